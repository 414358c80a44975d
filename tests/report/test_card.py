from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from helpers.tasks import labelled
from markdown_it import MarkdownIt

from domainbert.model.load import BaseFolder
from domainbert.recipe.cost import CostSection
from domainbert.recipe.schema import Recipe
from domainbert.report.card import RunSummary, render_card, summary_json, write_card
from domainbert.report.compare import Comparison, TaskReport
from domainbert.report.statistics import Summary, summarise
from domainbert.run.folder import RunFolder
from domainbert.stages.blend import Blend, Point
from domainbert.stages.pretrain import Adaptation
from domainbert.storage.files import read_json, write_json
from domainbert.training.held_out import HeldOutScore

GOLDEN = Path(__file__).with_name("golden_card.md")
HOSTILE = (
    "a | b <script>x</script> [l](http://h) ![i](http://h) `c` *d* __e__ \\ & &lt;\n# f\n\n- g"
)
MARKDOWN = MarkdownIt("commonmark").enable("table")
LOW, HIGH = Summary(0.5, 0.01, (0.49, 0.51)), Summary(0.75, 0.02, (0.73, 0.77))
SCORES = {
    "base": {"f1_strict": LOW, "precision_strict": LOW, "f1_default": Summary(0.52, 0.0, (0.52,))},
    "adapted": {"f1_strict": HIGH, "precision_strict": LOW, "f1_default": HIGH},
    "blend": {"f1_strict": HIGH, "precision_strict": HIGH, "f1_default": HIGH},
}
CURVE = (
    Point(0.0, 3.25, 2.0, (0.5, 0.52)), Point(0.5, 2.75, 2.1, (0.75, 0.77)),
    Point(1.0, 2.5, 2.9, (0.7, 0.71)),
)  # fmt: skip
REPORT = TaskReport(
    labelled("tagging", "ROLE", name="roles", sample=True), "f1_strict", SCORES,
    {
        "adapted": Comparison(
            0.25, -0.2, 0.7, "not shown", seeds=((0, 1, 2),) * 2, records=1200, p_value=0.2,
            p_holm=0.2, visible=0.5, seeds_for=15, records_for=4800,
        ),
        "blend": Comparison(0.25, 0.2, 0.3, "better"),
    }, {"repaired": 4}, 1.5,
)  # fmt: skip


def recipe(**changes: Any) -> Recipe:
    made = {
        "name": "town-letters", "title": "A model of the town's letters", "base": "./base",
        "corpus": [{"path": "letters/*.txt"}], "train": {"steps": 1200, "head_steps": 300},
        "tasks": ["roles"], "evaluate": {"seeds": [0, 1]},
    }  # fmt: skip
    return Recipe.model_validate({**made, **changes})


SUMMARY = RunSummary(
    recipe=recipe(),
    base=BaseFolder("./base", Path("base"), "c" * 40, "b" * 64),
    corpus={
        "digest": "d" * 64, "documents": 1234, "tokens": 56789, "characters": 234567,
        "counts": {
            "read": 1300, "kept": 1234, "unknown_tokens": 57,
            "steps": [["normalise", {"empty": 60}], ["exact-duplicates", {"repeated": 6}]],
        },
        "sources": [{"corpus": "letters.txt", "licence": "CC0-1.0", "file": "letters.txt"}],
    },
    adaptation=Adaptation(
        HeldOutScore(3.25, 0.125, 12, 3456, 789, 23040),
        HeldOutScore(2.5, 0.5, 12, 3456, 789, 23040),
        new_head=True, steps=1500, tokens=4_800_000, seconds=600.0,
        general=(
            HeldOutScore(2.0, 0.25, 3, 456, 78, 3040), HeldOutScore(2.9, 0.2, 3, 456, 78, 3040),
        ),
    ),
    reports=(REPORT,),
    hardware={
        "device": "A processor", "processes": 1, "cores": 8, "precision": "fp32",
        "peak_memory_gb": 1.5, "peak_device_memory_gb": 0.0,
    },
    folder=Path("runs/town"),
    language=("en", "no"),
    blend=Blend(0.5, "none", "best on the validation splits of the tasks", CURVE),
)  # fmt: skip


def kinds(markdown: str) -> Counter[str]:
    """The elements that Markdown makes of a text; how it cuts plain text does not matter."""
    tokens = MARKDOWN.parse(markdown)
    children = [child for token in tokens for child in token.children or ()]
    types = [token.type for token in [*tokens, *children]]
    return Counter(kind for kind in types if kind not in {"text", "text_special"})


def test_goldens() -> None:
    # The recipe's hash changes with every new setting; it is compared elsewhere.
    sha256 = SUMMARY.recipe.hash()
    assert render_card(SUMMARY).replace(sha256, "r" * 64) == GOLDEN.read_text(encoding="utf-8")
    numbers = json.dumps(summary_json(SUMMARY), allow_nan=False).replace(sha256, "r" * 64)
    assert json.loads(numbers) == read_json(GOLDEN.with_suffix(".json"))


def test_predictions_made_elsewhere_and_scores_without_records_of_train_are_said() -> None:
    clean = {name: summarise([0.25, 0.75]) for name in ("base", "adapted")}
    outside = {"some-llm": "2026-05-01, <a> prompt"}
    card = render_card(replace(SUMMARY, reports=(replace(REPORT, clean=clean, outside=outside),)))
    assert "some-llm: predictions made elsewhere (2026-05-01, \\<a\\> prompt).\n" in card
    said = "f1\\_strict: base 50.00 ± 35.36, adapted 50.00 ± 35.36."
    assert f"Without the test records that are in train, {said}\n" in card


def test_cost_and_tasks_of_other_fields_are_said() -> None:
    cost = CostSection(price_per_hour=2.5, currency="EUR", watts=300)
    general = replace(REPORT, task=replace(REPORT.task, name="films", domain="general"))
    changed = recipe().model_copy(update={"cost": cost})
    hardware = {**SUMMARY.hardware, "processes": 2}
    summary = replace(SUMMARY, recipe=changed, reports=(REPORT, general), hardware=hardware)
    card = render_card(summary)
    hours = (summary.adaptation.seconds + (summary.seconds - summary.adaptation.seconds) / 2) / 3600
    line = f"{2.5 * hours:.2f} EUR at 2.5 EUR per hour, {0.3 * hours:.2f} kWh at 300 W"
    assert f"| cost | {line} |\n" in card
    wanted = {"price": 2.5 * hours, "kwh": 0.3 * hours}
    assert summary_json(summary)["cost"] == pytest.approx(wanted)
    assert CostSection(watts=60).line(3600) == "0.06 kWh at 60 W"
    with pytest.raises(ValueError, match="give `price_per_hour` or `watts`"):
        CostSection(currency="EUR")
    with pytest.raises(ValueError, match="`currency` is that of `price_per_hour`; give both"):
        CostSection(currency="EUR", watts=300.0)
    first = card.index("## Tasks")
    assert "Of the domain general, films: adapted − base = " in card[:first]
    assert "\n### films (sample, not a benchmark) (of the domain general)\n" in card[first:]


def header(card: str) -> dict[str, Any]:
    """The YAML at the top, which a model hub reads."""
    return dict(yaml.safe_load(card.split("---\n")[1]))


def test_the_header_says_licence_languages_base_and_declared_corpora() -> None:
    own = {"corpus": "mine.txt", "licence": "as of your files", "file": "mine.txt"}
    sources = [*SUMMARY.corpus["sources"], own, *SUMMARY.corpus["sources"]]
    base = replace(SUMMARY.base, source="some/base")
    named = replace(SUMMARY, base=base, corpus={**SUMMARY.corpus, "sources": sources})
    found = header(render_card(named))
    assert found["language"] == ["en", "no"]
    assert found["datasets"] == ["letters.txt"]
    assert (found["license"], found["base_model"]) == ("other", "some/base")
    bare = header(
        render_card(replace(named, language=(), corpus={**SUMMARY.corpus, "sources": [own]}))
    )
    assert not {"language", "datasets"} & set(bare)


def test_text_from_outside_makes_no_element() -> None:
    sources = [{"corpus": HOSTILE, "licence": HOSTILE, "file": HOSTILE}]
    hostile = replace(
        SUMMARY,
        recipe=recipe(title=HOSTILE),
        base=replace(SUMMARY.base, source=HOSTILE),
        corpus={**SUMMARY.corpus, "sources": sources},
        hardware={**SUMMARY.hardware, "device": HOSTILE},
    )
    plain, attacked = (render_card(each).split("---\n", 2)[2] for each in (SUMMARY, hostile))
    assert kinds(attacked) == kinds(plain)
    assert header(render_card(hostile))["datasets"] == [HOSTILE]


def test_writing_the_card_completes_the_lock_once(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    write_json(run.lock, {"recipe": {"name": "town-letters"}})
    write_card(SUMMARY, run)
    same = summary_json(SUMMARY)
    assert read_json(run.lock) == {
        "recipe": {"name": "town-letters"},
        "training": {**same["training"], "minutes": 10.0},
        **{key: same[key] for key in ("base", "corpus", "hardware")},
    }
    before = run.lock.read_bytes(), run.card.read_bytes()
    write_card(replace(SUMMARY, hardware={}), run)
    assert (run.lock.read_bytes(), run.card.read_bytes()) == before

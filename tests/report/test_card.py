from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from domainbert.evaluate import TaskReport
from domainbert.model.load import BaseFolder
from domainbert.plugin.domain import Task
from domainbert.recipe.schema import Recipe
from domainbert.report.card import RunSummary, render_card, summary_json, write_card
from domainbert.report.compare import Comparison
from domainbert.report.statistics import Summary
from domainbert.report.text import cell
from domainbert.run.folder import RunFolder
from domainbert.stages.pretrain import Adaptation
from domainbert.storage.files import read_json, write_json
from domainbert.tokenizer.extend import Extension
from domainbert.tokenizer.select import Entry
from domainbert.training.held_out import HeldOutScore

GOLDEN = Path(__file__).with_name("golden_card.md")
HOSTILE = (
    "a | b <script>x</script> [l](http://h) ![i](http://h) `c` *d* __e__ \\ & &lt;\n# f\n\n- g"
)
MARKDOWN = MarkdownIt("commonmark").enable("table")


def recipe(**changes: Any) -> Recipe:
    return Recipe.model_validate(
        {
            "name": "town-letters",
            "title": "A model of the town's letters",
            "base": "./base",
            "corpus": [{"path": "letters/*.txt"}],
            "train": {"steps": 1200, "head_steps": 300},
            "tasks": ["roles"],
            "evaluate": {"seeds": [0, 1]},
            **changes,
        }
    )


def report(**changes: Any) -> TaskReport:
    data = dict.fromkeys(("train", "validation", "test"), "")
    task = Task("roles", "", "tagging", "", "", "1", {}, ("ROLE",), sample=True, data=data)
    base = Summary(0.5, 0.01, (0.49, 0.51))
    adapted = Summary(0.75, 0.02, (0.73, 0.77))
    scores = {
        "base": {
            "f1_strict": base,
            "precision_strict": base,
            "f1_default": Summary(0.52, 0.0, (0.52, 0.52)),
        },
        "adapted": {"f1_strict": adapted, "precision_strict": base, "f1_default": adapted},
    }
    comparison = Comparison(0.25, 0.2, 0.3, "better")
    made = TaskReport(task, "f1_strict", scores, comparison, {"repaired": 4}, 1.5)
    return replace(made, **changes)


def summary(**changes: Any) -> RunSummary:
    made = RunSummary(
        recipe=recipe(),
        base=BaseFolder("./base", Path("base"), "c" * 40, "b" * 64),
        corpus={
            "digest": "d" * 64,
            "documents": 1234,
            "tokens": 56789,
            "characters": 234567,
            "counts": {
                "read": 1300,
                "kept": 1234,
                "steps": [["normalise", {"empty": 60}], ["exact-duplicates", {"repeated": 6}]],
            },
            "sources": [{"corpus": "letters.txt", "licence": "CC0-1.0", "file": "letters.txt"}],
        },
        adaptation=Adaptation(
            before=HeldOutScore(3.25, 0.125, 12, 3456, 789),
            after=HeldOutScore(2.5, 0.5, 12, 3456, 789),
            new_head=True,
            steps=1500,
            tokens=4_800_000,
            seconds=600.0,
        ),
        reports=(report(),),
        hardware={
            "device": "A processor",
            "processes": 1,
            "cores": 8,
            "precision": "fp32",
            "peak_memory_gb": 1.5,
            "peak_device_memory_gb": 0.0,
        },
    )
    return replace(made, **changes)


def text_of(markdown: str) -> list[list[str]]:
    """The cells of every table row, as a reader of the rendered page sees them."""
    rows: list[list[str]] = []
    for token in MARKDOWN.parse(markdown):
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline" and rows and token.map is not None:
            rows[-1].append("".join(child.content for child in token.children or ()))
    return rows


def kinds(markdown: str) -> Counter[str]:
    """The elements that Markdown makes of a text; how it cuts plain text does not matter."""
    tokens = MARKDOWN.parse(markdown)
    children = [child for token in tokens for child in token.children or ()]
    found = Counter(token.type for token in [*tokens, *children])
    return Counter({kind: n for kind, n in found.items() if kind not in {"text", "text_special"}})


def test_the_card_tells_what_was_predicted() -> None:
    train = {"steps": 5, "masking": "span", "mlm_probability": {"from": 0.3, "to": 0.15}}
    told = summary(recipe=recipe(train=train | {"sentence_pairs": "order"}))
    rows = dict(row for row in text_of(render_card(told)) if len(row) == 2)
    assert rows["objective"] == (
        "30 % to 15 % of the tokens hidden, chosen by span; pairs of text: order"
    )


def test_card_golden() -> None:
    # The recipe's hash changes with every new setting; it is compared elsewhere.
    card = render_card(summary()).replace(summary().recipe.hash(), "r" * 64)
    assert card == GOLDEN.read_text(encoding="utf-8")


def test_without_a_task_the_card_says_that_nothing_is_known() -> None:
    text = render_card(summary(reports=()))
    assert "No task was named in the recipe, so nothing is known" in text
    assert "f1" not in text


def test_a_value_that_is_missing_is_left_out() -> None:
    one = {name: Summary(0.5, None, (0.5,)) for name in ("f1_strict", "f1_default")}
    made = summary(
        base=replace(summary().base, revision=None),
        adaptation=replace(summary().adaptation, new_head=False),
        hardware={**summary().hardware, "peak_device_memory_gb": 2.25},
        reports=(report(scores={"base": one, "adapted": one}),),
    )
    text = render_card(made)
    assert "| adapted | 50.00 | 50.00 |" in text
    assert "| base | ./base |" in text
    assert "| peak memory | 1.5 GB, 2.25 GB on the device |" in text
    assert "masked-LM head" not in text
    assert summary_json(made)["tasks"][0]["models"]["base"]["f1_strict"]["sd"] is None
    json.dumps(summary_json(made), allow_nan=False)


def test_text_from_outside_makes_no_element_of_its_own() -> None:
    sources = [{"corpus": HOSTILE, "licence": HOSTILE, "file": HOSTILE}]
    hostile = summary(
        recipe=recipe(title=HOSTILE),
        base=replace(summary().base, source=HOSTILE),
        corpus={**summary().corpus, "sources": sources},
        hardware={**summary().hardware, "device": HOSTILE},
    )
    plain, attacked = render_card(summary()), render_card(hostile)
    assert kinds(attacked) == kinds(plain)
    shape = [len(row) for row in text_of(plain)]
    assert [len(row) for row in text_of(attacked)] == shape
    assert len(attacked.splitlines()) == len(plain.splitlines())


@pytest.mark.parametrize("title", ["# Big", "- item", "1. item", "> quote", "---", "    code"])
def test_a_title_is_a_paragraph(title: str) -> None:
    plain, attacked = (render_card(summary(recipe=recipe(title=t))) for t in ("Plain", title))
    assert kinds(attacked) == kinds(plain)


@given(
    st.text(st.characters(codec="utf-8", exclude_characters="\x00"))
    | st.text("|\\`*_[]()<>!#&;-~ \n\tab1.")
)
def test_a_cell_is_text_and_stays_in_its_cell(text: str) -> None:
    table, plain = (f"| a | b |\n|---|---|\n| {t} | end |\n" for t in (cell(text), "text"))
    assert kinds(table) == kinds(plain)
    rows = text_of(table)
    assert [len(row) for row in rows] == [2, 2]
    assert rows[1][1] == "end"
    if "&" not in text:
        assert rows[1][0].split() == text.split()


def test_a_card_tells_of_new_entries() -> None:
    entries = (
        Entry("quokka", ("qu", "##ok", "##ka"), 200, True),
        Entry("##zy", ("##z", "##y"), 50, False),
    )
    words, terms = ("crazy", "lazy", "quokka"), {"read": 1, "usable": 1}
    extension = Extension(entries, words, 10_000, terms, (7, 8), "\ue000", "grow")
    made = replace(summary(), extension=extension)
    line = (
        "| vocabulary | 2 entries added (1 of them word endings), 3 words shorter, 250 of 10,000 "
        "tokens saved (2.5 %); `vocabulary.json` lists them |"
    )
    assert line in render_card(made).splitlines()
    assert '"Before" is the base with its own tokenizer' in render_card(made)
    assert summary_json(made)["vocabulary"] == {
        "entries": 2, "continuations": 1, "terms": 1, "words": 3, "slots": "grow",
        "tokens_before": 10_000, "tokens_saved": 250,
    }  # fmt: skip


def test_summary_json_golden() -> None:
    made = summary()
    golden = json.loads(GOLDEN.with_suffix(".json").read_text(encoding="utf-8"))
    golden["recipe"]["sha256"] = made.recipe.hash()
    assert json.loads(json.dumps(summary_json(made), allow_nan=False)) == golden


def test_writing_the_card_completes_the_lock_once(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    write_json(run.lock, {"recipe": {"name": "town-letters"}})
    write_card(summary(), run)
    lock, same = read_json(run.lock), summary_json(summary())
    assert lock == {
        "recipe": {"name": "town-letters"},
        "training": {**same["training"], "minutes": 10.0},
        **{key: same[key] for key in ("base", "corpus", "hardware")},
    }
    before = run.lock.read_bytes(), run.card.read_bytes()
    write_card(summary(hardware={**summary().hardware, "cores": 1}), run)
    assert (run.lock.read_bytes(), run.card.read_bytes()) == before

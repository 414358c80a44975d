from __future__ import annotations

import hashlib
import json
import math
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers.tasks import SETTINGS, classification, sentences, tagging

import domainbert.tasks.finetune
from domainbert.errors import RunFailed
from domainbert.pipeline.evaluate import evaluate
from domainbert.pipeline.trial import ModelUnderTest
from domainbert.plugin.components import LoadedTask
from domainbert.plugin.registry import load_plugins
from domainbert.report.card import shown_metrics
from domainbert.report.compare import TaskReport
from domainbert.run.session import Session
from domainbert.storage.files import sha256_file

PLUGIN = """
from dataclasses import replace
import domainbert

def fail(*arguments):
    raise KeyError("lost")

@domainbert.hookimpl
def domainbert_components():
    yield domainbert.Baseline("silent", lambda loaded, seed: {})
    yield domainbert.Baseline("broken", fail)
    yield domainbert.Metric("share", of_sample=lambda predictions: 0.5)
    for part in ("encode", "forward", "targets", "loss", "decode", "count_long"):
        name = "no-" + part.replace("_", "-")
        yield replace(domainbert.CLASSIFICATION, name=name, **{part: fail})
"""

Evaluate = Callable[..., tuple[TaskReport, ...]]


@pytest.fixture
def run(tmp_path: Path, family_folder: Any, session: Session) -> Iterator[Evaluate]:
    """Evaluate one tiny model and the baselines on tasks, with a plugin of broken components."""
    (tmp_path / "broken.py").write_text(PLUGIN, encoding="utf-8")
    load_plugins([tmp_path / "broken.py"])
    folder = family_folder("bert")
    model = ModelUnderTest("base", folder, sha256_file(folder / "model.safetensors"))
    settings = SETTINGS.model_copy(update={"seeds": (0,), "epochs": 1})
    yield lambda *tasks, **changes: evaluate(
        [model], tasks, settings.model_copy(update=changes), session
    )
    load_plugins()


def named(loaded: LoadedTask, **changes: Any) -> LoadedTask:
    return replace(loaded, task=replace(loaded.task, **changes))


def results(session: Session) -> list[str]:
    return sorted(f"{p.parent.name}/{p.stem}" for p in session.run.results.glob("*/*.json"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"baselines": ("broken",)}, "Baseline 'broken' .*KeyError: 'lost'"),
        ({"baselines": ("silent",)}, "Baseline 'silent' does not suit task 'next': validation: 0"),
        *(({"kind": f"no-{part}"}, f"TaskKind 'no-{part}' .*KeyError: 'lost'")
          for part in ("encode", "forward", "targets", "loss", "decode", "count-long")),
    ],
)  # fmt: skip
def test_a_component_that_fails_is_named_and_finished_results_are_kept(
    run: Evaluate, session: Session, changes: dict[str, Any], message: str
) -> None:
    good, bad = tagging(), named(classification(), name="next", **changes)
    with pytest.raises(RunFailed, match=message):
        run(good, bad)
    kept = results(session)
    assert "town/majority-type-seed-0" in kept
    assert not {"next/base-seed-0", "next/broken-seed-0"} & set(kept)


def test_a_metric_that_is_added_later_is_computed_from_stored_predictions(
    run: Evaluate, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tagging(), baselines=False)
    assert results(session) == ["town/base-seed-0"]
    monkeypatch.setattr(domainbert.tasks.finetune, "finetune", None)
    (report,) = run(named(tagging(), metrics=("share",)), baselines=False)
    assert report.scores["base"]["share"].values == (0.5,)
    assert report.comparison is None


def stored(session: Session, name: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    path = session.run.results / name
    lines = path.with_suffix(".jsonl").read_text("utf-8").splitlines()
    return json.loads(path.read_text("utf-8")), [json.loads(line) for line in lines]


def test_types_and_mentions_of_training_are_scored(run: Evaluate, session: Session) -> None:
    asked = ("recall_seen", "recall_unseen", "f1_partial/ROLE")
    loaded = named(tagging(train=sentences(0, 8)), metrics=asked)
    (report,) = run(loaded)
    for name in ("base", "majority-type"):
        result, lines = stored(session, f"town/{name}-seed-0.json")
        assert {*asked, "f1_strict/PLACE", "f1_strict/ROLE"} <= set(result["test"])
        assert set(result["test"]) == set(result["validation"])
        marks = [mark for line in lines for mark in line["seen"]]
        assert (len(marks), 0 < sum(marks) < len(marks)) == (32, True)
    assert "f1_strict/ROLE" not in shown_metrics(report)
    assert "f1_partial/ROLE" in shown_metrics(report)  # since the task names it


def test_scores_of_all_classes_are_stored(
    run: Evaluate, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = named(classification(), metrics=("auroc", "average_precision", "lrap"))
    run(loaded)
    for name in ("base", "majority", "tfidf-svm"):
        _, lines = stored(session, f"town/{name}-seed-0.json")
        assert {(len(line["ranking"]), len(line["scores"])) for line in lines} == {(2, 2)}
    _, lines = stored(session, "town/base-seed-0.json")
    total = [sum(math.exp(score) for score in line["scores"]) for line in lines]
    assert total == pytest.approx([1.0] * 12, abs=1e-4)
    monkeypatch.setattr(domainbert.tasks.finetune, "finetune", None)
    run(loaded)  # nothing is fine-tuned again


@pytest.mark.parametrize("change", ["labels", "scores"])
def test_a_result_of_other_label_order_or_without_needed_scores_is_made_again(
    run: Evaluate, session: Session, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    loaded = classification()
    run(loaded, baselines=False)
    if change == "labels":
        loaded = named(loaded, labels=loaded.task.labels[::-1])
    else:
        path = session.run.results / "town" / "base-seed-0.json"
        result, lines = stored(session, "town/base-seed-0.json")
        texts = (json.dumps({k: v for k, v in line.items() if k != "scores"}) for line in lines)
        text = "".join(f"{line}\n" for line in texts)
        path.with_suffix(".jsonl").write_text(text, encoding="utf-8")
        result["predictions"]["sha256"] = hashlib.sha256(text.encode()).hexdigest()
        path.write_text(json.dumps(result), encoding="utf-8")
        with monkeypatch.context() as patched:
            patched.setattr(domainbert.tasks.finetune, "finetune", None)
            run(loaded, baselines=False)  # all that it was asked for is there
        loaded = named(loaded, metrics=("auroc",))
    with monkeypatch.context() as patched:
        patched.setattr(domainbert.tasks.finetune, "finetune", None)
        with pytest.raises(TypeError):
            run(loaded, baselines=False)
    run(loaded, baselines=False)
    assert tuple(stored(session, "town/base-seed-0.json")[0]["task"]["labels"]) == (
        loaded.task.labels
    )


STEPS: dict[str, Any] = {"steps": 3, "epochs": 2, "min_steps": 5, "keep": "none"}


def test_a_trial_is_made_again_exactly_when_its_outcome_could_differ(
    run: Evaluate, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, finetune = list[int](), domainbert.tasks.finetune.finetune

    def counted(*arguments: Any) -> Any:
        made.append(1)
        return finetune(*arguments)

    monkeypatch.setattr(domainbert.tasks.finetune, "finetune", counted)

    def trials(loaded: LoadedTask, **changes: Any) -> int:
        made.clear()
        settings = type(SETTINGS).model_validate({**SETTINGS.model_dump(), **changes})
        run(loaded, baselines=False, **{key: getattr(settings, key) for key in changes})
        return len(made)

    loaded = classification()
    assert trials(loaded, **STEPS) == 1
    path = session.run.results / "town" / "base-seed-0.json"
    # As an earlier version wrote it, which kept what decides nothing.
    result = json.loads(path.read_text("utf-8"))
    result["settings"].update(epochs=2, min_steps=1)
    path.write_text(json.dumps(result), encoding="utf-8")
    for same in ({"epochs": 7}, {"min_steps": 50}, {"seeds": (0,)}):
        assert trials(loaded, **{**STEPS, **same}) == 0
    assert trials(loaded, **{**STEPS, "seeds": (0, 1)}) == 1
    for other in ({"steps": 4}, {"pooling": "head"}, {"method": "lora"}, {"batch_size": 3}):
        assert trials(loaded, **{**STEPS, **other}) == 1
        assert trials(loaded, **{**STEPS, **other}) == 0
    assert trials(tagging(), **STEPS) == 1
    assert trials(tagging(), **STEPS, pooling="head", long_texts="window") == 0


def test_another_tokenizer_makes_the_trials_again(
    tmp_path: Path, family_folder: Any, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(family_folder("bert"), folder)
    settings = SETTINGS.model_copy(update={"seeds": (0,), "epochs": 1, "baselines": False})

    def model() -> ModelUnderTest:
        return ModelUnderTest("base", folder, sha256_file(folder / "model.safetensors"))

    evaluate([model()], [classification()], settings, session)
    with monkeypatch.context() as patched:
        patched.setattr(domainbert.tasks.finetune, "finetune", None)
        evaluate([model()], [classification()], settings, session)
        path = folder / "tokenizer.json"
        content = json.loads(path.read_text("utf-8"))
        content["normalizer"]["lowercase"] = not content["normalizer"]["lowercase"]
        path.write_text(json.dumps(content), encoding="utf-8")
        with pytest.raises(TypeError):
            evaluate([model()], [classification()], settings, session)


def test_results_that_do_not_count_are_named(
    run: Evaluate, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = list[str]()
    monkeypatch.setattr(type(session.reporter), "say", lambda _self, text: said.append(text))
    run(classification(), baselines=False)
    assert not any("make again" in line for line in said)
    run(classification(), baselines=False, batch_size=3)
    run(named(classification(), version="2"), baselines=False, batch_size=3)
    start = "notice: results to make again: 1 of 1, as town: base, seed 0: "
    assert [line for line in said if "make again" in line] == [
        f"{start}evaluate.batch_size was 4, and is 3",
        f"{start}its task differs in version",
    ]

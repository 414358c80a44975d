from __future__ import annotations

import hashlib
import json
import math
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

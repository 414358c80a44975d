from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers.tasks import SETTINGS, classification, tagging

import domainbert.tasks.finetune
from domainbert.errors import RunFailed
from domainbert.pipeline.evaluate import ModelUnderTest, evaluate
from domainbert.plugin.components import LoadedTask
from domainbert.plugin.registry import load_plugins
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

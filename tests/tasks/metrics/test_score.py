from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from helpers.tasks import classification, examples, labelled

from domainbert.errors import PluginError, RunFailed
from domainbert.plugin import registry
from domainbert.plugin.components import Baseline
from domainbert.plugin.domain import Prediction
from domainbert.plugin.metric import Metric
from domainbert.tasks.kinds.classification import CLASSIFICATION
from domainbert.tasks.metrics import score as module
from domainbert.tasks.metrics.score import (
    check_metrics,
    check_predictions,
    metric_names,
    metric_of,
    primary_metric,
    score,
    unfit,
)


@pytest.fixture
def add_metric(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], None]:
    """Provide a metric `length` of a given function."""
    from domainbert.plugin import registry

    def add(function: Any) -> None:
        metrics = registry.components(Metric) | {"length": Metric("length", of_sample=function)}
        known = registry.components
        monkeypatch.setattr(registry, "components", lambda k: metrics if k is Metric else known(k))

    return add


def test_a_task_names_metrics_beside_those_of_its_kind(add_metric: Any) -> None:
    add_metric(lambda predictions: 1 / len(predictions))
    task = labelled("tagging", "X", metrics=("length", "f1_strict"))
    assert metric_names(task) == (
        "f1_strict", "precision_strict", "recall_strict", "f1_default", "length",
    )  # fmt: skip
    assert score(task, [Prediction(("O",), ("O",))] * 4)["length"] == 1 / 4
    assert primary_metric(task).name == "f1_strict"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (lambda _: exit(3), "Metric 'length' "),
        (lambda _: float("nan"), "metric 'length' gave nan for 4 records; expected a number"),
    ],
)
def test_a_failing_metric_is_named(add_metric: Any, value: Any, message: str) -> None:
    add_metric(value)
    with pytest.raises(RunFailed, match=message):
        score(labelled("tagging", "X", metrics=("length",)), [Prediction(("O",), ("O",))] * 4)


GOOD = tuple(Prediction(e.labels, ("place",)) for e in examples(36, 12))


@pytest.mark.parametrize(
    ("predictions", "message"),
    [
        (None, "validation: 0 predictions for 12 records"),
        ({"validation": GOOD, "test": [*GOOD[1:], 7]}, "test: record 12: int, no Prediction"),
        ({"validation": [Prediction(("place",), ("thing",)), *GOOD[1:]], "test": GOOD},
         "validation: record 1: 'thing' is no label of the task (person, place)"),
    ],
)  # fmt: skip
def test_predictions_that_do_not_suit_the_task_are_named(predictions: Any, message: str) -> None:
    baseline = Baseline("odd", lambda _loaded, _seed: {})
    with pytest.raises(RunFailed) as caught:
        check_predictions(baseline, classification(), predictions)
    assert str(caught.value) == f"Baseline 'odd' does not suit task 'town': {message}."


@pytest.mark.parametrize(
    ("like", "name", "reason"),
    [
        ("classification", "auroc", ""),
        ("classification", "f1_strict", "is for tagging, not for pairs"),
        ("tagging", "f1_strict/a", ""),
        ("", "auroc", "is for classification, not for pairs"),
        ("", "length", ""),  # it names no kind
    ],
)
def test_a_kind_made_from_another_has_its_metrics(
    add_metric: Any, monkeypatch: pytest.MonkeyPatch, like: str, name: str, reason: str
) -> None:
    add_metric(lambda predictions: 1.0)
    monkeypatch.setattr(module, "components", registry.components)
    kind = replace(CLASSIFICATION, name="pairs", like=like or "pairs")
    monkeypatch.setattr(module, "kind_of", lambda _task: kind)
    task = labelled("pairs", "a", "b", metrics=(name,))
    assert unfit(task, metric_of(task, name)) == reason
    if reason:
        with pytest.raises(PluginError) as caught:
            check_metrics(task)
        message = str(caught.value)
        assert message.startswith(f"metric {name!r} {reason}; those that suit this task: ")
        assert ("length" in message, "f1_strict" in message.partition(";")[2]) == (True, False)
    else:
        check_metrics(task)


def test_metrics_of_the_kind_are_never_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    kind = replace(CLASSIFICATION, name="pairs", like="")
    monkeypatch.setattr(module, "kind_of", lambda _task: kind)
    check_metrics(labelled("pairs", "a", "b", metrics=("f1_macro",)))

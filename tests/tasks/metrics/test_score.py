from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from helpers.tasks import classification, examples, labelled

from domainbert.errors import PluginError, RunFailed
from domainbert.plugin.components import Baseline, Metric
from domainbert.plugin.domain import Prediction
from domainbert.tasks.metrics.score import (
    check_predictions,
    metric_names,
    metric_of,
    primary_metric,
    score,
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
        (lambda _: 1 / 0, "Metric 'length' .*ZeroDivisionError"),
        (lambda _: exit(3), "Metric 'length' "),
        (
            lambda _: float("nan"),
            "metric 'length' gave nan for 4 records; expected a number from 0",
        ),
        (lambda _: 2, "metric 'length' gave 2.0 for 4 records; expected a number from 0 to 1"),
    ],
)
def test_a_failing_metric_is_named(add_metric: Any, value: Any, message: str) -> None:
    add_metric(value)
    with pytest.raises(RunFailed, match=message):
        score(labelled("tagging", "X", metrics=("length",)), [Prediction(("O",), ("O",))] * 4)


def test_metrics_are_found_by_name_and_level_and_checked() -> None:
    task = labelled("classification", "ab", "ac", multi_label=True, levels={"letter": 1})
    assert metric_of(task, "accuracy@letter").name == "accuracy@letter"
    for name in ("f1_mikro", "f1_micro@section"):
        with pytest.raises(PluginError, match="Did you mean 'f1_micro'"):
            metric_of(task, name)
    for wrong in ({}, {"counts": len}, {"counts": len, "aggregate": len, "of_sample": len}):
        with pytest.raises(PluginError, match="metric 'x': expected `counts` with `aggregate`"):
            Metric("x", **wrong)


GOOD = tuple(Prediction(e.labels, ("place",)) for e in examples(36, 12))


@pytest.mark.parametrize(
    ("predictions", "message"),
    [
        (None, "validation: 0 predictions for 12 records"),
        ({"validation": GOOD, "test": GOOD[1:]}, "test: 11 predictions for 12 records"),
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

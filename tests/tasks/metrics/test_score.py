from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from helpers.tasks import classification, examples, labelled

from domainbert.errors import RunFailed
from domainbert.plugin.components import Baseline, Metric
from domainbert.plugin.domain import Prediction
from domainbert.tasks.metrics.score import check_predictions, metric_names, primary_metric, score


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

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from helpers.tasks import labelled
from numpy.typing import NDArray
from sklearn.metrics import (
    average_precision_score,
    label_ranking_average_precision_score,
    roc_auc_score,
)

from domainbert.errors import RunFailed
from domainbert.plugin.domain import Prediction
from domainbert.plugin.records import Example
from domainbert.report.statistics import bootstrap, records_of
from domainbert.tasks.decide import decide
from domainbert.tasks.metrics.ranked import score_matrix
from domainbert.tasks.metrics.score import metric_of, score

RANKED = ("auroc", "average_precision", "lrap")
CLASSES = ("d", "a", "c", "b")  # no order that sorting would give


def drawn(
    seed: int, n_records: int, classes: tuple[str, ...], several: bool
) -> tuple[list[Example], NDArray[Any], NDArray[Any]]:
    """Return random examples, what is gold for them, and scores with ties."""
    draw = np.random.default_rng(seed)
    if several:
        gold_NC = draw.random((n_records, len(classes))) < 0.4
    else:
        gold_NC = np.eye(len(classes), dtype=bool)[draw.integers(0, len(classes), n_records)]
    scores_NC = np.round(draw.normal(size=gold_NC.shape) + gold_NC, 1).astype(np.float32)
    made = [Example("", tuple(np.array(classes)[row].tolist())) for row in gold_NC]
    return made, gold_NC, scores_NC


def task_of(classes: tuple[str, ...], several: bool, *metrics: str) -> Any:
    return labelled("classification", *classes, multi_label=several, metrics=metrics or RANKED)


def predicted(task: Any, examples: list[Example], scores_NC: NDArray[Any]) -> Any:
    both = dict.fromkeys(("validation", "test"), scores_NC)
    return decide(task, dict.fromkeys(both, examples), both)["test"]


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("classes", [CLASSES, CLASSES[:2]])
def test_scores_are_those_of_scikit_learn(classes: tuple[str, ...], several: bool) -> None:
    task = task_of(classes, several)
    compared = 0
    for seed in range(100):
        examples, gold_NC, scores_NC = drawn(seed, 25, classes, several)
        made = score(task, predicted(task, examples, scores_NC))
        has_both = gold_NC.any(axis=0) & ~gold_NC.all(axis=0)
        kept = gold_NC[:, has_both], scores_NC[:, has_both]
        assert made["auroc"] == pytest.approx(roc_auc_score(*kept, average="macro"), abs=1e-9)
        kept = gold_NC[:, gold_NC.any(axis=0)], scores_NC[:, gold_NC.any(axis=0)]
        expected = average_precision_score(*kept, average="macro")
        assert made["average_precision"] == pytest.approx(expected, abs=1e-9)
        expected = label_ranking_average_precision_score(gold_NC, scores_NC)
        assert made["lrap"] == pytest.approx(expected, abs=1e-9)
        compared += has_both.all()
    assert compared > 90


def test_single_labels_are_those_of_one_class_against_the_rest() -> None:
    for seed in range(50):
        examples, gold_NC, scores_NC = drawn(seed, 40, CLASSES, several=False)
        chances_NC = np.exp(scores_NC.astype(float))
        chances_NC /= chances_NC.sum(axis=1, keepdims=True)
        task = task_of(CLASSES, several=False)
        made = score(task, predicted(task, examples, np.log(chances_NC)))
        gold = gold_NC.argmax(axis=1)
        expected = roc_auc_score(gold, chances_NC, multi_class="ovr", average="macro")
        assert made["auroc"] == pytest.approx(expected, abs=1e-3)  # five digits are stored
        two = task_of(CLASSES[:2], several=False)
        examples, gold_NC, scores_NC = drawn(seed, 40, CLASSES[:2], several=False)
        scores_NC[:, 0] = -scores_NC[:, 1]
        made = score(two, predicted(two, examples, scores_NC))
        expected = roc_auc_score(gold_NC[:, 1], scores_NC[:, 1])
        assert made["auroc"] == pytest.approx(expected, abs=1e-12)


def test_a_gold_class_without_a_score_counts_as_missed() -> None:
    task = task_of(("a", "b"), True)
    found = [
        Prediction(("a", "new"), ("a",), ("a", "b"), scores=(2.0, 1.0)),
        Prediction(("b",), ("b",), ("b", "a"), scores=(2.0, 1.0)),
        Prediction((), (), ("b", "a"), scores=(0.5, 0.0)),
    ]
    assert score(task, found)["lrap"] == pytest.approx((1 / 2 + 1 + 1) / 3)
    assert score_matrix(found)[1].tolist() == [[True, False], [False, True], [False, False]]


def test_every_metric_has_an_interval() -> None:
    task = task_of(CLASSES, True)
    examples, _, scores_NC = drawn(3, 60, CLASSES, several=True)
    made = predicted(task, examples, scores_NC)
    for name in RANKED:
        metric = metric_of(task, name)
        draws, value = bootstrap(metric, [records_of(metric, made)]), score(task, made)[name]
        assert draws.min() < value < draws.max()


def test_a_resample_of_one_class_has_an_area_of_one_half() -> None:
    task = task_of(("a", "b"), False, "auroc")
    rare = [Prediction(("a",), ("a",), ("a", "b"), scores=(-0.1, -2.0))] * 30
    rare += [Prediction(("b",), ("b",), ("b", "a"), scores=(-0.1, -2.0))]
    metric = metric_of(task, "auroc")
    with warnings.catch_warnings(action="error"):
        draws = bootstrap(metric, [records_of(metric, rare)])
    assert {*draws.ravel()} == {0.5, 1.0}


ONE = Prediction(("a",), ("a",), ("a", "b"), scores=(1.0, 0.0))
TWO = Prediction(("b",), ("a",), ("a", "b"), scores=(1.0, 0.0))
LACK = "{} of 2 predictions lack the scores of all classes; evaluate again."


@pytest.mark.parametrize(
    ("predictions", "message"),
    [
        ([ONE, replace(TWO, scores=())], LACK.format(1)),  # of an older version
        ([ONE, replace(TWO, ranking=("a",), scores=(1.0,))], LACK.format(1)),
        ([replace(ONE, ranking=(), scores=())] * 2, LACK.format(2)),
        ([ONE, ONE], "every class is gold for all records or for none."),
    ],
)
def test_what_cannot_be_scored_is_refused(predictions: list[Prediction], message: str) -> None:
    with pytest.raises(RunFailed) as caught:
        score(task_of(("a", "b"), False, "auroc"), predictions)
    assert str(caught.value) == f"metric 'auroc': {message}"


def test_scores_of_a_level_are_those_of_its_best_label() -> None:
    levels: Any = {"levels": {"section": 1}, "metrics": ("lrap@section",)}
    task = labelled("classification", "A1", "A2", "B1", multi_label=True, **levels)
    made = [
        Prediction(("A1",), (), ("B1", "A2", "A1"), scores=(3.0, 2.0, 1.0)),
        Prediction(("A1",), (), ("A2", "B1", "A1"), scores=(3.0, 2.0, 1.0)),
    ]
    assert score(task, made)["lrap@section"] == (1 / 2 + 1) / 2

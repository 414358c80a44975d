from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score
from sklearn.preprocessing import MultiLabelBinarizer

from domainbert.errors import DataError
from domainbert.tasks.metrics.score import (
    Prediction,
    Scoring,
    primary_counts,
    primary_metric,
    primary_of_counts,
    score,
)

SINGLE = Scoring("classification", ("a", "b", "c"))
CODES = Scoring("classification", ("A01B", "A01C", "B60K"), True, {"section": 1, "class": 3})

CLASS = st.sampled_from(SINGLE.labels)
CODE_SET = st.lists(st.sampled_from(CODES.labels), unique=True, max_size=3).map(
    lambda found: tuple(sorted(found))
)


def single(pairs: list[tuple[str, str]]) -> list[Prediction]:
    return [Prediction((gold,), (said,)) for gold, said in pairs]


@given(st.lists(st.tuples(CLASS, CLASS), min_size=1, max_size=12))
@settings(deadline=None)
def test_the_headline_follows_from_the_counts_of_records(pairs: list[tuple[str, str]]) -> None:
    predictions = single(pairs)
    found = score(SINGLE, predictions)
    assert next(iter(found)) == primary_metric(SINGLE) == "f1_macro"
    all_reduce_sum = primary_counts(SINGLE, predictions).sum(axis=0)
    assert float(primary_of_counts(all_reduce_sum)) == pytest.approx(found["f1_macro"])


@given(st.lists(st.tuples(CODE_SET, CODE_SET), min_size=1, max_size=12))
@settings(deadline=None)
def test_scores_of_sets_are_those_of_scikit_learn(
    pairs: list[tuple[tuple[str, ...], tuple[str, ...]]],
) -> None:
    predictions = [Prediction(gold, said, said) for gold, said in pairs]
    found = score(CODES, predictions)
    assert next(iter(found)) == primary_metric(CODES) == "f1_micro"
    binary = MultiLabelBinarizer(classes=CODES.labels)
    true, guess = (
        binary.fit_transform([p[0] for p in pairs]),
        binary.transform([p[1] for p in pairs]),
    )
    assert found["f1_micro"] == pytest.approx(
        f1_score(true, guess, average="micro", zero_division=0)
    )
    occurring = np.flatnonzero(true.any(axis=0))
    by_class = f1_score(true, guess, average=None, zero_division=0)
    expected = by_class[occurring].mean() if len(occurring) else 0.0
    assert found["f1_macro"] == pytest.approx(expected)
    all_reduce_sum = primary_counts(CODES, predictions).sum(axis=0)
    assert float(primary_of_counts(all_reduce_sum)) == pytest.approx(found["f1_micro"])


def test_one_class_a_record_by_hand() -> None:
    found = score(SINGLE, single([("a", "a"), ("a", "b"), ("b", "b"), ("b", "c")]))
    # a: 1 right of 1 said and 2 true; b: 1 of 2 and 2; c is true of nothing and counts nowhere.
    assert found["f1_macro"] == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert found["accuracy"] == found["f1_micro"] == 0.5
    # Matthews by Gorodkin's formula: (2·4 - (2·1 + 2·2)) / sqrt((16 - 6)(16 - 8)).
    assert found["mcc"] == pytest.approx(2 / np.sqrt(80))


def test_sets_of_classes_by_hand() -> None:
    predictions = [
        Prediction(("A01B", "A01C"), ("A01B",), ("A01B", "B60K", "A01C")),
        Prediction(("B60K",), ("A01B", "B60K"), ("A01B", "B60K", "A01C")),
        Prediction(("H04L",), (), ("A01C", "A01B", "B60K")),
    ]
    found = score(CODES, predictions)
    # Right: A01B, B60K. Said: three. True: four, of which H04L can never be found.
    assert found["f1_micro"] == pytest.approx(2 * 2 / (3 + 4))
    assert found["precision_micro"] == pytest.approx(2 / 3)
    assert found["recall_micro"] == pytest.approx(2 / 4)
    assert found["f1_macro"] == pytest.approx((2 / 3 + 0 + 1 + 0) / 4)
    assert found["precision_at_1"] == pytest.approx(1 / 3)
    assert found["recall_at_1"] == pytest.approx((1 / 2 + 0 + 0) / 3)
    assert found["precision_at_3"] == pytest.approx((2 + 1 + 0) / 9)
    assert found["recall_at_3"] == pytest.approx((1 + 1 + 0) / 3)
    # One right of three records, one right of four classes.
    assert found["top1_f1"] == pytest.approx(2 / (3 + 4))
    # Sections: A, B, H are true; A and AB are said.
    assert found["f1_micro@section"] == pytest.approx(2 * 2 / (3 + 3))
    assert found["f1_micro@class"] == pytest.approx(2 * 2 / (3 + 3))


def test_top1_f1_is_the_published_figure_from_its_precision_and_recall() -> None:
    # Lee and Hsiang 2019 give F1 66.83 for precision 84.26 and recall 55.38.
    f1 = 2 * 84.26 * 55.38 / (84.26 + 55.38)
    assert f1 == pytest.approx(66.83, abs=0.005)


@pytest.mark.parametrize(
    ("scoring", "prediction"),
    [
        (SINGLE, Prediction(("d",), ("a",))),
        (SINGLE, Prediction(("a",), ("d",))),
        (CODES, Prediction((), ("H04L",))),
        (CODES, Prediction((), (), ("H04L",))),
        (Scoring("tagging", ("X",)), Prediction(("B-Y",), ("O",))),
    ],
)
def test_a_label_that_is_not_the_tasks_is_refused(scoring: Scoring, prediction: Prediction) -> None:
    with pytest.raises(DataError, match=r"record 1: '.*' is no label of the task"):
        score(scoring, [prediction])

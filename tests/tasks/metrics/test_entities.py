from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval.metrics import f1_score, precision_score, recall_score
from seqeval.scheme import IOB2

from domainbert.plugin.domain import Prediction
from domainbert.tasks.metrics.entities import METRICS, default_counts, strict_counts

TAG = st.sampled_from(["O", "B-X", "I-X", "B-Y", "I-Y", "B-X-1", "I-X-1"])
TAGS = st.lists(TAG, min_size=1, max_size=10)
PAIR = st.integers(1, 10).flatmap(
    lambda n: st.tuples(*[st.lists(TAG, min_size=n, max_size=n).map(tuple)] * 2)
)
STRICT: dict[str, Any] = {"mode": "strict", "scheme": IOB2}
REFERENCES: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "f1_strict": (f1_score, STRICT),
    "precision_strict": (precision_score, STRICT),
    "recall_strict": (recall_score, STRICT),
    "f1_default": (f1_score, {}),
}


def values(predictions: list[Prediction]) -> dict[str, float]:
    return {
        metric.name: float(metric.aggregate(metric.counts(predictions).sum(axis=0)))
        for metric in METRICS
        if metric.counts and metric.aggregate
    }


@given(st.lists(PAIR, min_size=1, max_size=6))
def test_scores_are_those_of_seqeval(pairs: list[tuple[tuple[str, ...], ...]]) -> None:
    gold, guess = [list(pair[0]) for pair in pairs], [list(pair[1]) for pair in pairs]
    made = values([Prediction(*pair) for pair in pairs])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # undefined scores are zero
        assert made == {
            name: pytest.approx(measure(gold, guess, zero_division=0, **options), abs=1e-12)
            for name, (measure, options) in REFERENCES.items()
        }


def test_counts_and_scores_by_hand() -> None:
    predictions = [
        Prediction(("B-X", "I-X", "O", "B-Y"), ("B-X", "I-X", "O", "B-X")),
        Prediction(("O", "O"), ("B-X", "O")),
        Prediction(("B-X",), ("B-X",)),
    ]
    assert strict_counts(predictions).tolist() == [[1, 2, 2], [0, 1, 0], [1, 1, 1]]
    made = values(predictions)
    assert (made["precision_strict"], made["recall_strict"]) == (2 / 4, 2 / 3)
    assert made["f1_strict"] == pytest.approx(4 / 7)


def test_strict_and_default_differ_where_a_mention_begins_with_i() -> None:
    one = [Prediction(("O", "B-X", "I-X", "O"), ("O", "I-X", "I-X", "O"))]
    assert strict_counts(one).tolist() == [[0, 0, 1]]
    assert default_counts(one).tolist() == [[1, 1, 1]]
    assert set(values([Prediction(("O", "O"), ("O", "O"))]).values()) == {0.0}

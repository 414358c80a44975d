from __future__ import annotations

import warnings
from typing import Any

import pytest
from helpers.tasks import labelled
from hypothesis import given
from hypothesis import strategies as st
from seqeval.metrics import f1_score, precision_score, recall_score
from seqeval.scheme import IOB2

from domainbert.plugin.domain import Prediction
from domainbert.tasks.metrics.entities import default_counts, strict_counts
from domainbert.tasks.metrics.score import score

TAG = st.sampled_from(["O", "B-X", "I-X", "B-Y", "I-Y", "B-X-1", "I-X-1"])
PAIR = st.integers(1, 10).flatmap(
    lambda n: st.tuples(*[st.lists(TAG, min_size=n, max_size=n).map(tuple)] * 2)
)
STRICT: dict[str, Any] = {"mode": "strict", "scheme": IOB2}
MEASURES = {"f1": f1_score, "precision": precision_score, "recall": recall_score}
REFERENCES: dict[str, Any] = {f"{name}_strict": (m, STRICT) for name, m in MEASURES.items()}
REFERENCES["f1_default"] = (f1_score, {})


def values(predictions: list[Prediction]) -> dict[str, float]:
    return score(labelled("tagging", "X", "Y", "X-1"), predictions)


@given(st.lists(PAIR, min_size=1, max_size=6))
def test_scores_are_those_of_seqeval(pairs: list[tuple[tuple[str, ...], ...]]) -> None:
    gold, guess = [list(pair[0]) for pair in pairs], [list(pair[1]) for pair in pairs]
    made = values([Prediction(*pair) for pair in pairs])
    with warnings.catch_warnings(action="ignore"):  # undefined scores are zero
        for name, (measure, options) in REFERENCES.items():
            expected = measure(gold, guess, zero_division=0, **options)
            assert made[name] == pytest.approx(expected, abs=1e-12)


def test_strict_and_default_differ_where_a_mention_begins_with_i() -> None:
    one = [Prediction(("O", "B-X", "I-X", "O"), ("O", "I-X", "I-X", "O"))]
    assert strict_counts(one).tolist() == [[0, 0, 1]]
    assert default_counts(one).tolist() == [[1, 1, 1]]
    assert set(values([Prediction(("O", "O"), ("O", "O"))]).values()) == {0.0}

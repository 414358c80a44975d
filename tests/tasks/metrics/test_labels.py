from __future__ import annotations

import tracemalloc
import warnings

import numpy as np
import pytest
from helpers.tasks import labelled
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef

from domainbert.plugin.domain import Prediction
from domainbert.report.statistics import bootstrap, records_of
from domainbert.tasks.metrics.score import primary_metric, score

SINGLE = labelled("classification", "a", "b", "c")
CODES = labelled(
    "classification", "A01B", "A01C", "B60K", multi_label=True, levels={"section": 1, "class": 3}
)
CLASS = st.sampled_from(SINGLE.labels)


@given(st.lists(st.tuples(CLASS, CLASS), min_size=1, max_size=12))
def test_scores_of_single_labels_are_those_of_scikit_learn(pairs: list[tuple[str, str]]) -> None:
    made = score(SINGLE, [Prediction((gold,), (guess,)) for gold, guess in pairs])
    gold, guess = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    macro = f1_score(gold, guess, labels=sorted(set(gold)), average="macro", zero_division=0)
    assert list(made) == ["f1_macro", "accuracy", "f1_micro", "mcc"]
    assert primary_metric(SINGLE).name == "f1_macro"
    assert made["f1_macro"] == pytest.approx(macro, abs=1e-12)
    assert made["accuracy"] == made["f1_micro"] == accuracy_score(gold, guess)
    with warnings.catch_warnings(action="ignore"):
        assert made["mcc"] == pytest.approx(matthews_corrcoef(gold, guess), abs=1e-12)


def test_many_classes_of_many_records_take_little_memory() -> None:
    names = tuple(f"c{n}" for n in range(20_000))
    many = labelled("classification", *names)
    predictions = [Prediction((name,), (names[n // 2],)) for n, name in enumerate(names)]
    tracemalloc.start()
    try:
        made = score(many, predictions)
        bootstrap(primary_metric(many), [records_of(primary_metric(many), predictions)])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert made["f1_macro"] == pytest.approx(2 / 3 / 20_000)
    assert peak < 400e6


def test_matthews_by_hand() -> None:
    pairs = [("a", "a"), ("a", "b"), ("b", "b"), ("b", "c")]
    made = score(SINGLE, [Prediction((gold,), (guess,)) for gold, guess in pairs])
    # By Gorodkin's formula: (2·4 - (2·1 + 2·2)) / sqrt((16 - 6)(16 - 8)).
    assert made["mcc"] == pytest.approx(2 / np.sqrt(80))


def test_several_labels_and_levels_by_hand() -> None:
    predictions = [
        Prediction(("A01B", "A01C"), ("A01B",), ("A01B", "A01C", "B60K")),
        Prediction(("B60K",), ("B60K", "A01B"), ("A01B", "B60K", "A01C")),
        Prediction(("H04L",), (), ("A01C", "A01B", "B60K")),
    ]
    made = score(CODES, predictions)
    # Right: A01B, B60K. Predicted: three. Gold: four, of which H04L can never be found.
    # Sections: A, B, H are gold; A, B and A again are predicted.
    expected = {
        "f1_micro": 2 * 2 / (3 + 4), "f1_macro": (2 / 3 + 0 + 1 + 0) / 4,
        "precision_micro": 2 / 3, "recall_micro": 2 / 4,
        "precision_at_1": 1 / 3, "recall_at_1": (1 / 2 + 0 + 0) / 3,
        "precision_at_3": (2 + 1 + 0) / 9, "recall_at_3": (1 + 1 + 0) / 3,
        "precision_at_5": (2 + 1 + 0) / 15, "recall_at_5": (1 + 1 + 0) / 3,
        "top1_f1": 2 / (3 + 4), "f1_micro@section": 2 * 2 / (3 + 3), "f1_micro@class": 2 * 2 / 6,
    }  # fmt: skip
    assert made == pytest.approx(expected)
    assert list(made) == list(expected)

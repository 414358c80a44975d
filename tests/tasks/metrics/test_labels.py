from __future__ import annotations

import random
import tracemalloc
import warnings
from typing import Any

import numpy as np
import pytest
from helpers.tasks import labelled
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    f1_score,
    matthews_corrcoef,
    precision_score,
    recall_score,
    top_k_accuracy_score,
)

from domainbert.plugin.domain import Prediction
from domainbert.report.statistics import bootstrap, records_of
from domainbert.tasks.metrics.score import metric_of, primary_metric, score, unfit

SINGLE = labelled("classification", "a", "b", "c")
CODES = labelled(
    "classification", "A01B", "A01C", "B60K", multi_label=True, levels={"section": 1, "class": 3}
)
CLASS = st.sampled_from(SINGLE.labels)


@given(st.lists(st.tuples(CLASS, CLASS), min_size=1, max_size=12))
def test_scores_of_single_labels_are_those_of_scikit_learn(pairs: list[tuple[str, str]]) -> None:
    task = labelled("classification", "a", "b", "c", metrics=("balanced_accuracy",))
    made = score(task, [Prediction((gold,), (guess,)) for gold, guess in pairs])
    gold, guess = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    macro = f1_score(gold, guess, labels=sorted(set(gold)), average="macro", zero_division=0)
    assert list(made) == ["f1_macro", "accuracy", "f1_micro", "mcc", "balanced_accuracy"]
    assert primary_metric(SINGLE).name == "f1_macro"
    assert made["f1_macro"] == pytest.approx(macro, abs=1e-12)
    assert made["accuracy"] == made["f1_micro"] == accuracy_score(gold, guess)
    with warnings.catch_warnings(action="ignore"):
        assert made["mcc"] == pytest.approx(matthews_corrcoef(gold, guess), abs=1e-12)
        balanced = balanced_accuracy_score(gold, guess)
        assert made["balanced_accuracy"] == pytest.approx(balanced, abs=1e-12)


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


def test_scores_of_several_labels_are_those_of_scikit_learn() -> None:
    names = np.array([f"{letter}0" for letter in "abcdefg"])
    task = labelled("classification", *names.tolist(), multi_label=True)
    draw = np.random.default_rng(0)
    for _ in range(100):
        gold_NC = draw.random((20, 7)) < 0.3
        gold_NC[~gold_NC.any(axis=1), 0] = True  # records without a class have no recall
        guess_NC = draw.random((20, 7)) < 0.3
        order_NC = draw.permuted(np.tile(np.arange(7), (20, 1)), axis=1)
        made = score(
            task,
            [
                Prediction(*(tuple(names[each].tolist()) for each in row))
                for row in zip(gold_NC, guess_NC, order_NC, strict=True)
            ],
        )
        occurs = np.flatnonzero(gold_NC.any(axis=0))
        micro = {"f1": f1_score, "precision": precision_score, "recall": recall_score}
        for name, measure in micro.items():
            expected = measure(gold_NC, guess_NC, average="micro", zero_division=0)
            assert made[f"{name}_micro"] == pytest.approx(expected, abs=1e-12)
        expected = f1_score(gold_NC, guess_NC, labels=occurs, average="macro", zero_division=0)
        assert made["f1_macro"] == pytest.approx(expected, abs=1e-12)
        for k in (1, 3, 5):
            top_NC = np.zeros_like(gold_NC)
            np.put_along_axis(top_NC, order_NC[:, :k], True, axis=1)
            for name, measure in (("precision", precision_score), ("recall", recall_score)):
                expected = measure(gold_NC, top_NC, average="samples", zero_division=0)
                assert made[f"{name}_at_{k}"] == pytest.approx(expected, abs=1e-12)


def test_recall_at_k_of_one_label_is_top_k_accuracy() -> None:
    draw, names = np.random.default_rng(1), ("a", "b", "c", "d")
    more: Any = {"metrics": ("recall_at_1", "recall_at_3")}
    task = labelled("classification", *names, **more)
    for _ in range(50):
        gold_N, scores_NC = draw.integers(0, 4, 30), draw.random((30, 4))
        order_NC = np.argsort(-scores_NC, axis=1)
        made = score(
            task,
            [
                Prediction((names[gold],), (names[order[0]],), tuple(names[c] for c in order))
                for gold, order in zip(gold_N, order_NC, strict=True)
            ],
        )
        for k in (1, 3):
            expected = top_k_accuracy_score(gold_N, scores_NC, k=k, labels=range(4))
            assert made[f"recall_at_{k}"] == pytest.approx(expected, abs=1e-12)


def test_hierarchical_f1_is_that_of_brute_force() -> None:
    names = [f"{a}{b}{c}" for a in "AB" for b in "12" for c in "xy"]
    levels = {"section": 1, "class": 2}
    more: Any = {"levels": levels, "metrics": ("f1_hierarchical",), "multi_label": True}
    task, flat = labelled("classification", *names, **more), labelled("classification", *names)
    parents = {name: {name[0], name[:2], name} for name in names}
    draw = random.Random(2)
    for _ in range(100):
        rows = [
            Prediction(*(tuple(draw.sample(names, draw.randint(0, 4))) for _ in range(2)))
            for _ in range(12)
        ]
        shared = predicted = gold = 0
        for p in rows:
            sides = [set().union(*(parents[n] for n in labels)) for labels in (p.gold, p.predicted)]
            shared += sum(node in sides[1] for node in sides[0])
            gold, predicted = gold + len(sides[0]), predicted + len(sides[1])
        precision, recall = shared / max(predicted, 1), shared / max(gold, 1)
        expected = 2 * precision * recall / (precision + recall) if shared else 0.0
        assert score(task, rows)["f1_hierarchical"] == pytest.approx(expected, abs=1e-12)
    metric = metric_of(task, "f1_hierarchical")
    assert unfit(task, metric) == ""
    assert unfit(flat, metric_of(flat, "f1_hierarchical")) == "needs a task with `levels`"
    # By hand: {A, A1, A1x} and {A, A1, A1y} share two of three.
    one = [Prediction(("A1x",), ("A1y",))]
    assert score(task, one)["f1_hierarchical"] == pytest.approx(2 / 3)
    draws = bootstrap(metric, [records_of(metric, rows)])
    assert draws.min() < score(task, rows)["f1_hierarchical"] < draws.max()

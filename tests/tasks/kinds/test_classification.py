from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from helpers.tasks import SETTINGS, labelled

from domainbert.plugin.domain import Prediction, Window
from domainbert.plugin.records import Example
from domainbert.tasks.decide import best_threshold
from domainbert.tasks.kinds.classification import CLASSIFICATION, text_windows

TokenizerOf = Callable[[str], Any]


@pytest.mark.parametrize("long", ["truncate", "window"])
def test_a_long_document_is_cut_or_read_whole(tokenizer_of: TokenizerOf, long: str) -> None:
    settings = SETTINGS.model_copy(update={"long_texts": long})
    document = Example("the baker " * 50_000, ("person",))
    windows = text_windows([document, Example("", ("place",))], tokenizer_of("bert"), settings)
    sizes = [len(window.input_ids) - 2 for window in windows if window.record == 0]
    assert sum(sizes) == (14 if long == "truncate" else 100_000)
    assert max(sizes) == 14
    assert sum(window.weight for window in windows if window.record == 0) == pytest.approx(1)
    assert [len(window.input_ids) for window in windows if window.record == 1] == [2]
    texts = [Example("the " * n, ("place",)) for n in (3, 14, 15)]
    assert CLASSIFICATION.count_long(texts, tokenizer_of("bert"), 16) == 1


def test_the_threshold_is_the_best_of_the_validation_split() -> None:
    scores = np.array([[0.9, 0.1], [0.6, 0.2], [0.3, 0.4]], dtype=np.float32)
    gold = np.array([[1, 0], [1, 0], [0, 1]], dtype=np.float32)
    assert best_threshold(scores, gold) == pytest.approx(0.4)
    assert best_threshold(scores, np.zeros_like(gold)) > scores.max()


ONE = labelled("classification", "a", "b")
MANY = labelled("classification", "a", "b", multi_label=True)
UNKNOWN = "'d' is no label of the task (a, b)"
NOT_ONE = "exactly one gold and one predicted label were expected"


@pytest.mark.parametrize(
    ("task", "prediction", "message"),
    [
        (ONE, Prediction(("a", "b"), ("a",)), NOT_ONE),
        (MANY, Prediction((), (), ("d",)), UNKNOWN),
        (MANY, Prediction((), ("a", "a")), "a label is named twice"),
        (
            ONE,
            Prediction(("a",), ("a",), ("a", "b"), scores=(1.0, float("nan"))),
            "a score is not finite",
        ),
        (ONE, Prediction(("a",), ("a",), ("a", "b"), scores=(1.0,)), "1 scores of 2 ranked labels"),
        (
            ONE,
            Prediction(("a",), ("a",), ("a", "b"), scores=(0.0, 1.0)),
            "the scores of the ranking do not fall",
        ),
    ],
)
def test_misfits(task: Any, prediction: Prediction, message: str) -> None:
    assert CLASSIFICATION.misfit(prediction, task) == message


@pytest.mark.parametrize(("n_classes", "stored", "scored"), [(50, 50, 50), (51, 10, 0)])
def test_up_to_fifty_classes_have_all_their_scores(
    n_classes: int, stored: int, scored: int
) -> None:
    task = labelled("classification", *(f"c{n:02}" for n in range(n_classes)))
    scores = np.random.default_rng(0).normal(size=(2, n_classes)).astype(np.float32)
    texts = [Example("", ("c00",))] * 2
    windows = [Window(n, (1, 2)) for n in range(2)]
    made = CLASSIFICATION.decode(task, {"test": texts}, {"test": (windows, scores)})["test"]
    for row, prediction in zip(scores.astype(float), made, strict=True):
        order = np.argsort(-row)[:stored]
        assert prediction.ranking == tuple(task.labels[n] for n in order)
        assert prediction.predicted == prediction.ranking[:1]
        chances = row[order[:scored]] - np.log(np.exp(row).sum())
        assert prediction.scores == pytest.approx(chances, rel=1e-4)
        assert CLASSIFICATION.misfit(prediction, task) == ""


def test_scores_of_sure_predictions_stay_apart() -> None:
    rows = np.array([[20.0, 0.0], [25.0, 0.0]], dtype=np.float32)
    windows, texts = [Window(n, (1, 2)) for n in range(2)], [Example("", ("a",))] * 2
    first, second = CLASSIFICATION.decode(ONE, {"test": texts}, {"test": (windows, rows)})["test"]
    assert first.scores[0] < second.scores[0] < 0.0


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_one_class_alone_is_refused(split: str) -> None:
    task = labelled("classification", "a", "b", metrics=("auroc",))
    labels = dict.fromkeys(("train", "validation", "test"), ("a", "b")) | {split: ("a",)}
    reason = "(a); expected two or more" if split == "train" else ", so metric 'auroc' is undefined"
    found = CLASSIFICATION.check_labels(task, True, labels)
    assert found is not None
    assert (found[0], found[1].startswith("has 1 class"), reason in found[1]) == (split, True, True)
    expected = None if split != "train" else found
    assert CLASSIFICATION.check_labels(ONE, True, labels) == expected

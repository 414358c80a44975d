from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from helpers.tasks import SETTINGS, classification, examples, labelled, tune

from domainbert.plugin.domain import Example, Prediction
from domainbert.tasks.finetune import score_records
from domainbert.tasks.kinds.classification import (
    CLASSIFICATION,
    average_windows,
    best_threshold,
    decide,
    label_matrix,
    text_windows,
)

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


def test_the_best_class_is_predicted_and_classes_are_ranked() -> None:
    scores = np.array([[0.1, 0.7], [0.4, 0.3]], dtype=np.float32)
    task = labelled("classification", "person", "place")
    made = decide(task, {"test": examples(0, 2)}, {"test": scores})["test"]
    assert [(p.predicted, p.ranking) for p in made] == [
        (("place",), ("place", "person")), (("person",), ("person", "place")),
    ]  # fmt: skip


def test_the_threshold_is_the_best_of_the_validation_split() -> None:
    scores = np.array([[0.9, 0.1], [0.6, 0.2], [0.3, 0.4]], dtype=np.float32)
    gold = np.array([[1, 0], [1, 0], [0, 1]], dtype=np.float32)
    assert best_threshold(scores, gold) == pytest.approx(0.4)
    assert best_threshold(scores, np.zeros_like(gold)) > scores.max()


def test_rare_classes_start_as_rare() -> None:
    task = labelled("classification", "a", "b", "c", multi_label=True)
    records = [Example("x", ("a", "z")), Example("y", ("a", "b")), Example("z", ("a",))]
    assert label_matrix(task.labels, records).tolist() == [[1, 0, 0], [1, 1, 0], [1, 0, 0]]
    assert CLASSIFICATION.bias(task, records) == pytest.approx(
        [np.log(9999), np.log(1 / 2), -np.log(9999)], rel=1e-3
    )
    assert CLASSIFICATION.bias(labelled("classification", "a", "b"), records) is None


ONE = labelled("classification", "a", "b")
MANY = labelled("classification", "a", "b", multi_label=True)
UNKNOWN = "'d' is no label of the task (a, b)"
NOT_ONE = "exactly one gold and one predicted label were expected"


@pytest.mark.parametrize(
    ("task", "prediction", "message"),
    [
        (ONE, Prediction(("a",), ("b",), ("b", "a")), ""),
        (ONE, Prediction(("a", "b"), ("a",)), NOT_ONE),
        (ONE, Prediction(("a",), ()), NOT_ONE),
        (ONE, Prediction(("d",), ("a",)), UNKNOWN),
        (MANY, Prediction(("d",), ()), ""),
        (MANY, Prediction((), (), ("d",)), UNKNOWN),
        (MANY, Prediction((), ("a", "a")), "a label is named twice"),
    ],
)
def test_misfits(task: Any, prediction: Prediction, message: str) -> None:
    assert CLASSIFICATION.misfit(prediction, task) == message


def test_scores_do_not_depend_on_the_other_texts(family_folder: Any, session: Any) -> None:
    tuned = tune(family_folder("bert"), classification(), session)
    texts = [
        Example(e.text + " and it" * (n % 4), e.labels) for n, e in enumerate(examples(48, 12))
    ]
    together = average_windows(*score_records(tuned, texts), len(texts))
    alone = np.concatenate([score_records(tuned, [text])[1] for text in texts])
    assert together == pytest.approx(alone, abs=1e-5)

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from helpers.tasks import SETTINGS, labelled

from domainbert.plugin.domain import Example, Prediction
from domainbert.tasks.kinds.classification import CLASSIFICATION, best_threshold, text_windows

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
    ],
)
def test_misfits(task: Any, prediction: Prediction, message: str) -> None:
    assert CLASSIFICATION.misfit(prediction, task) == message

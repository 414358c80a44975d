from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers.pairs import questions
from helpers.tasks import SETTINGS, labelled, tune

from domainbert.plugin.domain import Prediction
from domainbert.plugin.records import Choices
from domainbert.report.statistics import records_of
from domainbert.run.session import Session
from domainbert.tasks.baselines.classification import predict_majority
from domainbert.tasks.candidate import predict
from domainbert.tasks.kinds.multiple_choice import MULTIPLE_CHOICE, choice_windows
from domainbert.tasks.metrics.score import check_predictions, primary_metric, score

TokenizerOf = Callable[[str], Any]
TASK = labelled("multiple-choice", "A", "B", "C")


def test_a_trivial_task_is_learned_without_a_mistake(
    family_folder: Callable[[str], Path], session: Session
) -> None:
    loaded = questions()
    tuned = tune(family_folder("bert"), loaded, session, epochs=8, learning_rate=1e-2)
    made = predict(tuned)
    check_predictions(MULTIPLE_CHOICE, loaded, made)
    assert score(loaded.task, made["test"]) == {"choice_accuracy": 1.0}
    assert made["test"][0].ranking[0] == loaded.splits["test"][0].labels[0]
    majority = score(loaded.task, predict_majority(loaded, 0)["test"])
    assert majority == {"choice_accuracy": 5 / 16}  # A is right in 64, 67, … 79 of train's ties


def test_each_choice_is_a_pair_with_its_question(tokenizer_of: TokenizerOf) -> None:
    tokenizer = tokenizer_of("bert")
    asked = [
        Choices("the barn", ("a map", "a rope", "a mill"), ("B",)),
        Choices("the baker", ("the boat", "a map"), ("A",)),
    ]
    windows = choice_windows(asked, tokenizer, SETTINGS)
    places = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1)]
    assert [(w.record, *w.words) for w in windows] == places
    for window, (number, choice) in zip(windows, places, strict=True):
        made = tokenizer(asked[number].text, asked[number].choices[choice])
        assert list(window.input_ids) == made["input_ids"]
    for number in range(2):
        assert sum(w.weight for w in windows if w.record == number) == pytest.approx(1)
    assert MULTIPLE_CHOICE.targets(TASK, asked) == [[0, 1, 0], [1, 0]]


def test_windows_of_a_long_choice_are_averaged(tokenizer_of: TokenizerOf) -> None:
    settings = SETTINGS.model_copy(update={"long_texts": "window"})
    asked = [Choices("the barn", ("a map", "the " * 30), ("A",))]
    windows = choice_windows(asked, tokenizer_of("bert"), settings)
    second = [w for w in windows if w.words == (1,)]
    assert (len(windows), len(second)) == (4, 3)
    # One window of the second choice is more certain than the first choice, their mean is not.
    margins = [1.0, 2.0, 0.0, 0.0]
    scores = np.array([(0.0, margin) for margin in margins], dtype=np.float32)
    splits = {"test": asked}
    (made,) = MULTIPLE_CHOICE.decode(TASK, splits, {"test": (windows, scores)})["test"]
    assert made == Prediction(("A",), ("A",), ("A", "B"))
    assert (
        MULTIPLE_CHOICE.count_long(
            [*asked, Choices("a", ("b", "c"), ("A",))], tokenizer_of("bert"), 16
        )
        == 1
    )


def test_the_loss_gives_each_question_the_same_weight(tokenizer_of: TokenizerOf) -> None:
    asked = [Choices("a", ("b", "c", "d"), ("A",)), Choices("a", ("b", "c"), ("B",))]
    windows = choice_windows(asked, tokenizer_of("bert"), SETTINGS)
    scores = torch.tensor([[0.1, 2.0], [0.3, 0.4], [1.0, 0.0], [0.2, 0.2], [0.5, 0.9]])
    targets = MULTIPLE_CHOICE.targets(TASK, asked)
    logs = torch.log_softmax(scores, dim=1)
    picked = -logs[range(5), [1, 0, 0, 0, 1]]
    expected = (picked[:3].mean() + picked[3:].mean()) / 2
    assert float(MULTIPLE_CHOICE.loss(scores, windows, targets)) == pytest.approx(float(expected))


def test_accuracy_is_over_questions_and_intervals_draw_them() -> None:
    made = [Prediction((g,), (p,)) for g, p in ("AA", "BA", "CC", "AB")]
    assert score(TASK, made) == {"choice_accuracy": 0.5}
    assert records_of(primary_metric(TASK), made).tolist() == [[1, 1], [0, 1], [1, 1], [0, 1]]


@pytest.mark.parametrize(
    ("question", "message"),
    [
        (Choices("", ("a", "b"), ("A",)), "the question or a choice is empty"),
        (Choices("q", ("a", " "), ("A",)), "the question or a choice is empty"),
        (Choices("q", ("a",), ("A",)), "1 choices; expected 2 to 26"),
        (Choices("q", ("a", "b"), ("C",)), "right choice ('C',); expected one letter of AB"),
        (Choices("q", ("a", "b"), ("A", "B")),
         "right choice ('A', 'B'); expected one letter of AB"),
        (Choices("q", ("a", "b"), ("B",)), ""),
    ],
)  # fmt: skip
def test_records_that_do_not_suit(question: Choices, message: str) -> None:
    assert MULTIPLE_CHOICE.check(question, TASK) == message


ONE_LETTER = "one letter of a choice was expected as gold and one as predicted"


@pytest.mark.parametrize(
    ("prediction", "message"),
    [
        (Prediction(("A",), ()), ONE_LETTER),
        (Prediction(("AB",), ("A",)),
         ONE_LETTER),
        (Prediction(("A",), ("B",), ("B", "B")), "a letter is named twice"),
        (Prediction(("A",), ("D",), ("D", "A")), ""),
    ],
)  # fmt: skip
def test_misfits(prediction: Prediction, message: str) -> None:
    assert MULTIPLE_CHOICE.misfit(prediction, TASK) == message


@pytest.mark.parametrize(
    ("task", "message"),
    [
        (labelled("multiple-choice", "A"), "multi_label, levels and labels are for classification"),
        (labelled("multiple-choice", null_label="none"), "null_label is for relations"),
        (labelled("multiple-choice", columns={"choices": ("x", "y")}), ""),
    ],
)  # fmt: skip
def test_declarations_that_do_not_suit(task: Any, message: str) -> None:
    assert MULTIPLE_CHOICE.check_task(task) == message

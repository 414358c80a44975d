"""Multiple choice: which of a few texts answers a question.

Each choice makes a pair with its question, `right` or `wrong`, and the one that is most likely to
be right is taken. A record and its prediction are a whole question, so that intervals draw
questions and metrics of classes serve: the classes are the letters of the choices.

Legend: N choices of all windows, C outputs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from domainbert.plugin.components import Annotation, Passage, Predictions, Scores
from domainbert.plugin.domain import Prediction, Task, Window
from domainbert.plugin.records import Choices
from domainbert.tasks.check import Splits, null_key
from domainbert.tasks.decide import RANKED
from domainbert.tasks.kinds.pairs import PAIRS
from domainbert.tasks.pair_windows import long_pairs, pair_windows
from domainbert.tasks.readers.pairs import (
    LETTERS,
    choice_of_row,
    questions_of_rows,
    unlabelled_choices,
)

_OUTPUTS = ("wrong", "right")


def choice_windows(questions: Sequence[Choices], tokenizer: Any, settings: Any) -> list[Window]:
    """Return the windows of the choices, each with its number in `words`; see `pair_windows`."""
    pairs, places = _pairs(questions)
    windows = []
    for window in pair_windows(pairs, tokenizer, settings):
        number, choice = places[window.record]
        weight = window.weight / len(questions[number].choices)
        windows.append(replace(window, record=number, words=(choice,), weight=weight))
    return windows


def _pairs(
    questions: Sequence[Choices],
) -> tuple[list[tuple[str, str]], list[tuple[int, int]]]:
    """Return each question with each choice, and the numbers of question and choice."""
    places = [(n, c) for n, question in enumerate(questions) for c in range(len(question.choices))]
    return [(questions[n].text, questions[n].choices[c]) for n, c in places], places


def _targets(_task: Task, questions: Sequence[Choices]) -> list[list[int]]:
    """Return for each question a 1 for its right choice and 0 for the others."""
    return [
        [int(letter == question.labels[0]) for letter in LETTERS[: len(question.choices)]]
        for question in questions
    ]


def _loss(scores_NC: Any, windows: Sequence[Window], targets: Sequence[Any]) -> Any:
    """Return the cross-entropy of right and wrong; each question has the same weight."""
    import torch
    from torch.nn import functional

    weight_N = torch.tensor([window.weight for window in windows], device=scores_NC.device)
    gold = [targets[window.record][window.words[0]] for window in windows]
    gold_N = torch.tensor(gold, device=scores_NC.device)
    losses_N = functional.cross_entropy(scores_NC, gold_N, reduction="none")
    return (losses_N * weight_N).sum() / weight_N.sum()


def _decode(_task: Task, splits: Splits, scores: Scores) -> Predictions:
    """Return the choice of each question that is right by the widest margin."""
    predictions = {}
    for split, rows in scores.items():
        made, questions = [], splits[split]
        for question, margins in zip(questions, _margins(questions, rows), strict=True):
            ranking = tuple(margins)
            made.append(Prediction(question.labels, ranking[:1], ranking[:RANKED]))
        predictions[split] = tuple(made)
    return predictions


def _margins(questions: Sequence[Choices], rows: Any) -> list[dict[str, float]]:
    """Return for each question by how much its choices are more right than wrong, best first."""
    margins = [[0.0] * len(question.choices) for question in questions]
    windows, scores_NC = rows
    for window, (wrong, right) in zip(windows, scores_NC.tolist(), strict=True):
        # Weights of a question's windows sum to 1, those of a choice to its share.
        weight = window.weight * len(margins[window.record])
        margins[window.record][window.words[0]] += weight * (right - wrong)
    ordered = [sorted(enumerate(row), key=lambda item: -item[1]) for row in margins]
    return [{LETTERS[n]: margin for n, margin in row} for row in ordered]


def annotate(
    _task: Task, texts: list[list[Passage]], rows: Any, _threshold: float | None
) -> list[Annotation]:
    """Return the letter of the best choice as `label`, and `scores`: whether each is right."""
    from scipy.special import expit

    found = []
    for margins in _margins([record for ((record, _),) in texts], rows):
        scores = {letter: round(float(expit(margin)), 4) for letter, margin in margins.items()}
        found.append({"label": next(iter(margins)), "scores": scores})
    return found


def _check(question: Choices, _task: Task) -> str:
    letters = LETTERS[: len(question.choices)]
    if not question.text.strip() or not all(choice.strip() for choice in question.choices):
        return "the question or a choice is empty"
    if not 2 <= len(question.choices) <= len(LETTERS):
        return f"{len(question.choices)} choices; expected 2 to {len(LETTERS)}"
    if len(question.labels) != 1 or question.labels[0] not in letters:
        return f"right choice {question.labels}; expected one letter of {letters}"
    return ""


def _check_task(task: Task) -> str:
    if task.multi_label or task.levels or task.labels:
        return "multi_label, levels and labels are for classification"
    return null_key(task)


def _predicted(cells: Mapping[str, Any], question: Choices, task: Task) -> Prediction:
    """Return a prediction made elsewhere: the choice as `label` or `answer`, as files have it."""
    letter = choice_of_row(cells, question, task)
    return Prediction(question.labels, (letter,), (letter,))


def _misfit(prediction: Prediction, _task: Task) -> str:
    sides = prediction.gold, prediction.predicted
    if any(len(side) != 1 or len(side[0]) != 1 or side[0] not in LETTERS for side in sides):
        return "one letter of a choice was expected as gold and one as predicted"
    return "a letter is named twice" if len({*prediction.ranking}) < len(prediction.ranking) else ""


def _count_long(questions: Sequence[Choices], tokenizer: Any, max_length: int) -> int:
    pairs, numbers = _pairs(questions)
    long = long_pairs(pairs, tokenizer, max_length)
    return len({number for (number, _), is_long in zip(numbers, long, strict=True) if is_long})


MULTIPLE_CHOICE = replace(
    PAIRS,
    name="multiple-choice",
    record=Choices,
    noun="question",
    from_rows=questions_of_rows,
    columns=("text", "choices", "label"),
    inputs=("text", "choices"),
    unlabelled=unlabelled_choices,
    text=lambda question: "\n".join((question.text, *question.choices)),
    parts=lambda question: (question.text, *question.choices),
    labels=lambda question: LETTERS[: len(question.choices)],
    outputs=lambda _task: _OUTPUTS,
    encode=choice_windows,
    targets=_targets,
    loss=_loss,
    decode=_decode,
    metrics=lambda _task: ("choice_accuracy",),
    baselines=lambda _loaded: ("majority",),
    check_task=_check_task,
    check=_check,
    check_labels=lambda _task, _declared, _labels: None,
    predicted=_predicted,
    misfit=_misfit,
    count_long=_count_long,
    annotate=annotate,
    call=lambda _inputs: "",
)

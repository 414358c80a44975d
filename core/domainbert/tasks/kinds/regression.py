"""Regression: a number for a text, or for a pair of texts as in semantic similarity.

The loss is the mean squared error of standardised targets: minus the mean of the training split, by
its standard deviation. Predictions are in the units of the data, and so is a kept model: mean and
deviation become part of the weights of its last layer.

Legend: B windows of a batch, W windows of all records, N records.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from domainbert.plugin.components import Annotation, Passage, Predictions, Scores, TaskKind
from domainbert.plugin.domain import Prediction, Task, Window
from domainbert.plugin.records import Rating
from domainbert.tasks.check import Splits, null_key
from domainbert.tasks.decide import average_windows
from domainbert.tasks.kinds.classification import CLASSIFICATION, count_long_texts, text_windows
from domainbert.tasks.kinds.pairs import both_texts, call, forward
from domainbert.tasks.pair_windows import long_pairs, pair_windows
from domainbert.tasks.readers.pairs import number_of_row, ratings_of_rows, unlabelled_rating

_NO_CLASSES = "labels, label_names, multi_label and levels are for classes, not for numbers"


def _windows(ratings: Sequence[Any], tokenizer: Any, settings: Any) -> list[Window]:
    if ratings and ratings[0].second:
        return pair_windows(both_texts(ratings), tokenizer, settings)
    return text_windows(ratings, tokenizer, settings)


def _count_long(ratings: Sequence[Any], tokenizer: Any, max_length: int) -> int:
    if ratings and ratings[0].second:
        return sum(long_pairs(both_texts(ratings), tokenizer, max_length))
    return count_long_texts(ratings, tokenizer, max_length)


def units(_task: Task, ratings: Sequence[Rating]) -> tuple[float, float]:
    """Return mean and standard deviation of the scores."""
    import numpy as np

    scores_N = np.array([rating.score for rating in ratings])
    return float(scores_N.mean()), float(scores_N.std()) or 1.0


def _targets(task: Task, ratings: Sequence[Rating]) -> list[float]:
    """Return the standardised scores."""
    mean, spread = units(task, ratings)
    return [(rating.score - mean) / spread for rating in ratings]


def _loss(scores_B1: Any, windows: Sequence[Window], targets: Sequence[Any]) -> Any:
    """Return the mean squared error of the batch; windows of one text share its weight."""
    import torch

    weight_B = torch.tensor([window.weight for window in windows], device=scores_B1.device)
    gold = [targets[window.record] for window in windows]
    gold_B = torch.tensor(gold, dtype=torch.float32, device=scores_B1.device)
    return ((scores_B1[:, 0] - gold_B).square() * weight_B).sum() / weight_B.sum()


def _decode(_task: Task, splits: Splits, scores: Scores) -> Predictions:
    return {
        split: scored(splits[split], average_windows(*rows, len(splits[split]))[:, 0])
        for split, rows in scores.items()
    }


def annotate(
    _task: Task, texts: list[list[Passage]], rows: Any, _threshold: float | None
) -> list[Annotation]:
    """Return the `score` of each record, in the units of the data."""
    windows, scores_W1 = rows
    values_N = average_windows(windows, scores_W1, len(texts))[:, 0]
    return [{"score": value} for value in values_N.tolist()]


def scored(ratings: Sequence[Rating], values_N: Any) -> tuple[Prediction, ...]:
    """Return predictions with numbers as text, of which the same numbers are read again."""
    rows = zip(ratings, values_N.tolist(), strict=True)
    return tuple(Prediction((repr(float(r.score)),), (repr(float(v)),)) for r, v in rows)


def _check_task(task: Task) -> str:
    if task.labels or task.label_names or task.multi_label or task.levels:
        return _NO_CLASSES
    return null_key(task)


def _check(rating: Rating, _task: Task) -> str:
    if not rating.text.strip() or (rating.second and not rating.second.strip()):
        return "a text is empty"
    number = isinstance(rating.score, int | float) and not isinstance(rating.score, bool)
    return (
        ""
        if number and math.isfinite(rating.score)
        else f"score {rating.score!r}; expected a finite number"
    )


def _check_splits(_task: Task, splits: Mapping[str, Sequence[Any]]) -> tuple[str, str] | None:
    paired = [rating.second != "" for ratings in splits.values() for rating in ratings]
    for split, ratings in splits.items():
        if len({rating.second != "" for rating in ratings}) > 1 or len({*paired}) > 1:
            return split, "has texts and pairs of texts; expected one or the other in all splits"
        scores = {rating.score for rating in ratings}
        if len(scores) < 2 and split != "validation":
            what = "learned" if split == "train" else "compared"
            return split, f"has one score only, {min(scores)}, so nothing can be {what}"
    return None


def _predicted(cells: Mapping[str, Any], rating: Rating, task: Task) -> Prediction:
    """Return a prediction made elsewhere: a number as `score` or `label`."""
    return Prediction((repr(float(rating.score)),), (repr(number_of_row(cells, task)),))


def _misfit(prediction: Prediction, _task: Task) -> str:
    for side in (prediction.gold, prediction.predicted):
        if len(side) != 1 or not _is_number(side[0]):
            return "one finite number was expected as gold and one as predicted"
    return ""


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(number := float(text)) and repr(number) == text
    except ValueError:
        return False


REGRESSION = TaskKind(
    name="regression",
    record=Rating,
    noun="record",
    read=None,
    head=CLASSIFICATION.head,
    from_rows=ratings_of_rows,
    columns=("text", "second", "label"),
    inputs=("text", "second"),
    unlabelled=unlabelled_rating,
    text=lambda rating: f"{rating.text}\n{rating.second}" if rating.second else rating.text,
    parts=lambda rating: tuple(filter(None, (rating.text, rating.second))),
    labels=lambda _rating: (),
    outputs=lambda _task: ("score",),
    encode=_windows,
    forward=forward,
    targets=_targets,
    loss=_loss,
    units=units,
    decode=_decode,
    metrics=lambda _task: ("pearson", "spearman", "r2", "mse"),
    baselines=lambda _loaded: ("mean", "tfidf-ridge"),
    check_task=_check_task,
    check=_check,
    check_splits=_check_splits,
    annotate=annotate,
    says="score",
    pipeline="text-classification",
    call=call,
    predicted=_predicted,
    misfit=_misfit,
    count_long=_count_long,
)

"""What a prediction is and how each kind of task scores it.

`score` gives all metrics of a task, the headline first. `headline_counts` gives the counts of each
record from which the headline follows, so that records can be drawn again for an interval.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from domainbert.errors import DataError
from domainbert.tasks.metrics import labels as label_metrics
from domainbert.tasks.metrics.entities import entity_counts, score_entities

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Scoring:
    """How the predictions of a task are scored.

    Args:
        kind: `tagging` or `classification`.
        labels: Entity types or classes, in the order of the task.
        multi_label: Whether a record may have any number of classes.
        levels: Name of a level → length of the prefix of a label that names its class there.
    """

    kind: str
    labels: tuple[str, ...]
    multi_label: bool = False
    levels: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Prediction:
    """What is true of one record and what a model said.

    Args:
        gold: A tag for each word, or the record's classes.
        predicted: The same from the model.
        ranking: Best classes, best first, at most ten; empty where nothing is ranked.
        words: The words that the tags belong to.
    """

    gold: tuple[str, ...]
    predicted: tuple[str, ...]
    ranking: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


def score(scoring: Scoring, predictions: Sequence[Prediction]) -> dict[str, float]:
    """Return every metric of the task by name, from 0 to 1 (`mcc`: from -1), the headline first.

    Raises:
        DataError: A tag or class that the task does not have.
        ValueError: Gold and predicted tags of a sentence differ in number.
    """
    _check_labels(scoring, predictions)
    if scoring.kind == "tagging":
        return score_entities([p.gold for p in predictions], [p.predicted for p in predictions])
    gold, predicted = [p.gold for p in predictions], [p.predicted for p in predictions]
    if not scoring.multi_label:
        return label_metrics.score_single(gold, predicted)
    rankings = [p.ranking for p in predictions]
    scores = label_metrics.score_multi(gold, predicted, rankings)
    for level, length in scoring.levels.items():
        scores |= label_metrics.score_level(level, length, gold, predicted)
    return scores


def primary_metric(scoring: Scoring) -> str:
    """Return the name of the metric by which models are compared."""
    if scoring.kind == "tagging":
        return "f1_strict"
    return "f1_micro" if scoring.multi_label else "f1_macro"


def primary_counts(scoring: Scoring, predictions: Sequence[Prediction]) -> NDArray[np.int64]:
    """Return (right, predicted, gold) of N records and K classes; int64, shape (N, K, 3).

    K is 1 where the headline is a micro-average. `headline_of_counts` of their sum over records is
    the headline.
    """
    gold, predicted = [p.gold for p in predictions], [p.predicted for p in predictions]
    if scoring.kind == "tagging":
        return entity_counts(gold, predicted)[:, None, :]
    counts_NK3 = label_metrics.counts_by_class(gold, predicted)
    return counts_NK3.sum(axis=1, keepdims=True) if scoring.multi_label else counts_NK3[:, :-1]


def primary_of_counts(counts: NDArray[Any]) -> NDArray[np.float64]:
    """Return the mean F1 of the classes that occur, from counts of shape (..., K, 3)."""
    total = counts[..., 1] + counts[..., 2]
    f1 = 2 * counts[..., 0] / np.maximum(total, 1)
    return np.asarray(f1.sum(axis=-1) / np.maximum((total > 0).sum(axis=-1), 1), dtype=np.float64)


def _check_labels(scoring: Scoring, predictions: Sequence[Prediction]) -> None:
    known = set(scoring.labels)
    if scoring.kind == "tagging":
        known = {"O"} | {f"{prefix}-{label}" for label in scoring.labels for prefix in "BI"}
    for number, prediction in enumerate(predictions, start=1):
        said = {*prediction.predicted, *prediction.ranking}
        # A class that training never had can be true of a record; no model can have said it.
        strangers = said - known if scoring.multi_label else (said | {*prediction.gold}) - known
        if strangers:
            raise DataError(
                f"record {number}: {min(strangers)!r} is no label of the task "
                f"({', '.join(scoring.labels[:20])})."
            )

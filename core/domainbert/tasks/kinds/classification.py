"""Texts for a classifier, and from its scores to classes.

Legend: N examples, C classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from domainbert.plugin.domain import Example
from domainbert.tasks.load import LoadedTask
from domainbert.tasks.metrics.score import Prediction
from domainbert.tasks.window import Window
from domainbert.tokenizer.load import encode_texts, special_tokens

if TYPE_CHECKING:
    from numpy.typing import NDArray

_RANKED = 10


def text_windows(
    examples: Sequence[Example], tokenizer: Any, max_length: int, long_texts: str
) -> list[Window]:
    """Cut texts to what the model reads.

    Args:
        examples: Their texts.
        tokenizer: A fast tokenizer.
        max_length: Tokens of a window, special tokens included.
        long_texts: `truncate` keeps the beginning; `window` makes windows of the whole text, whose
            scores are averaged.
    """
    specials = special_tokens(tokenizer)
    capacity = specials.room(max_length)
    windows = []
    for number, ids in enumerate(encode_texts(tokenizer, [e.text for e in examples])):
        stop = len(ids) if long_texts == "window" else min(len(ids), capacity)
        starts = range(0, max(stop, 1), capacity)
        for start in starts:
            piece = ids[start : min(start + capacity, stop)]
            framed = (*specials.prefix, *piece, *specials.suffix)
            windows.append(Window(number, framed, weight=1 / len(starts)))
    return windows


def count_long(examples: Sequence[Example], tokenizer: Any, max_length: int) -> int:
    """Return how many texts do not fit one window."""
    capacity = special_tokens(tokenizer).room(max_length)
    return sum(len(ids) > capacity for ids in encode_texts(tokenizer, [e.text for e in examples]))


def average_windows(
    windows: Sequence[Window], scores_WC: NDArray[np.float32], n_examples: int
) -> NDArray[np.float32]:
    """Return the mean score of each example over its windows, float32, shape (N, C)."""
    scores_NC = np.zeros((n_examples, scores_WC.shape[1]), dtype=np.float32)
    for window, scores_C in zip(windows, scores_WC, strict=True):
        scores_NC[window.record] += window.weight * scores_C
    return scores_NC


def label_matrix(labels: Sequence[str], examples: Sequence[Example]) -> NDArray[np.float32]:
    """Return 1 where a class is true of an example, float32, shape (N, C); others are left out."""
    number = {label: column for column, label in enumerate(labels)}
    matrix = np.zeros((len(examples), len(labels)), dtype=np.float32)
    for row, example in enumerate(examples):
        for label in example.labels:
            if label in number:
                matrix[row, number[label]] = 1
    return matrix


def decide(
    task: LoadedTask, scores: Mapping[str, NDArray[np.float32]]
) -> dict[str, tuple[Prediction, ...]]:
    """Turn scores of validation and test into predictions.

    With one class a record the best is chosen. With several, those above a threshold: the one that
    gives the highest micro F1 on the validation split.

    Args:
        task: Gives classes and gold labels.
        scores: Of each split, shape (N, C); larger is more likely.
    """
    labels = np.array(task.scoring.labels, dtype=object)  # of fixed width they lose trailing NULs
    threshold = None
    if task.scoring.multi_label:
        gold_NC = label_matrix(task.scoring.labels, task.splits["validation"])
        threshold = best_threshold(scores["validation"], gold_NC)
    predictions = {}
    for split, scores_NC in scores.items():
        order_NC = np.argsort(-scores_NC, axis=1, kind="stable")
        rows = []
        for example, row_C, order_C in zip(task.splits[split], scores_NC, order_NC, strict=True):
            chosen = order_C[:1] if threshold is None else np.flatnonzero(row_C >= threshold)
            predicted, ranking = labels[chosen].tolist(), labels[order_C[:_RANKED]].tolist()
            rows.append(Prediction(example.labels, tuple(predicted), tuple(ranking)))
        predictions[split] = tuple(rows)
    return predictions


def best_threshold(scores_NC: NDArray[np.float32], gold_NC: NDArray[np.float32]) -> float:
    """Return the threshold on scores with the highest micro F1."""
    from sklearn.metrics import precision_recall_curve

    if not gold_NC.any():
        return float(scores_NC.max()) + 1
    precision, recall, thresholds = precision_recall_curve(gold_NC.ravel(), scores_NC.ravel())
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    return float(thresholds[int(np.argmax(f1[:-1]))])

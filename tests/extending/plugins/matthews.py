"""A metric: Matthews' correlation, from counts that add up over records.

The correlation of predicted and gold classes (Gorodkin 2004). It needs, per record and class,
whether the class is gold and whether it is predicted, and whether the record is right.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

import domainbert


def count(predictions: Sequence[domainbert.Prediction]) -> Any:
    """Return (right, predicted, gold) per record and class, shape (N, K + 1, 3).

    The last class stands for all that is predicted and never gold.
    """
    classes = sorted({p.gold[0] for p in predictions})
    number = {name: k for k, name in enumerate(classes)}
    counts = np.zeros((len(predictions), len(classes) + 1, 3))
    for row, prediction in enumerate(predictions):
        gold, guess = number[prediction.gold[0]], number.get(prediction.predicted[0], -1)
        counts[row, gold, 0] = gold == guess
        counts[row, guess, 1] = 1
        counts[row, gold, 2] = 1
    return counts


def correlate(sums: Any) -> Any:
    """Return the correlation from sums (..., K + 1, 3); 0 where it is undefined."""
    right, predicted, gold = sums[..., 0].sum(-1), sums[..., 1], sums[..., 2]
    n = gold.sum(-1)
    covariance = right * n - (predicted * gold).sum(-1)
    spread = (n**2 - (predicted**2).sum(-1)) * (n**2 - (gold**2).sum(-1))
    return np.where(spread > 0, covariance / np.sqrt(np.maximum(spread, 1)), 0.0)


@domainbert.hookimpl
def domainbert_components() -> Iterator[domainbert.Metric]:
    """Yield the metric."""
    yield domainbert.Metric("matthews", "Matthews' correlation", count, correlate, low=-1.0)

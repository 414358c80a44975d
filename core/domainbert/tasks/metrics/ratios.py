"""Aggregates of counts; the last axis of sums (..., 3) is right, predicted, gold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def f1(sums: NDArray[Any]) -> NDArray[np.float64]:
    """Return the F1 score; 0 where nothing is gold or predicted."""
    return ratio(2 * sums[..., 0], sums[..., 1] + sums[..., 2])


def precision(sums: NDArray[Any]) -> NDArray[np.float64]:
    """Return the share of predictions that are right; 0 where nothing is predicted."""
    return ratio(sums[..., 0], sums[..., 1])


def recall(sums: NDArray[Any]) -> NDArray[np.float64]:
    """Return the share of gold labels that are predicted; 0 where nothing is gold."""
    return ratio(sums[..., 0], sums[..., 2])


def macro_f1(sums: NDArray[Any]) -> NDArray[np.float64]:
    """Return the mean F1 of the classes that occur, from sums of shape (..., K, 3)."""
    occurs = (sums[..., 1] + sums[..., 2] > 0).sum(axis=-1)
    return ratio(f1(sums).sum(axis=-1), occurs)


def share(sums: NDArray[Any]) -> NDArray[np.float64]:
    """Return the first count as a share of the second, from sums of shape (..., 2)."""
    return ratio(sums[..., 0], sums[..., 1])


def ratio(part: NDArray[Any], whole: NDArray[Any]) -> NDArray[np.float64]:
    """Return part / whole; 0 where the whole is 0."""
    import numpy as np

    return np.asarray(np.where(whole == 0, 0.0, part / np.where(whole == 0, 1, whole)))

"""Means over seeds, bootstrap values over records, and intervals that carry both.

Two things vary when a comparison is repeated: the seed of fine-tuning and the records of the test
set. The variance of a mean is the sum of two parts: the variance over seeds, divided by their
number, and the bootstrap variance over records. The interval is the mean ± t times the root, with
Welch–Satterthwaite degrees of freedom (Satterthwaite 1946, doi:10.2307/3002019).

Legend: S seeds, N records, B resamples.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from domainbert.plugin.components import Metric
from domainbert.plugin.registry import calling

CONFIDENCE = 0.95
_RESAMPLES, _BATCH = 2000, 100
# A function of a sample runs once per resample; 400 give the half-width to about 4 %.
_RESAMPLES_OF_SAMPLE = 400

_Function = Callable[[Any], Any]
Part = tuple[float, int]
"""A variance and its degrees of freedom."""


@dataclass(frozen=True)
class Summary:
    """Scores of one model over seeds: mean, and sample standard deviation (None for one seed)."""

    mean: float
    sd: float | None
    values: tuple[float, ...]


def summarise(values: Sequence[float]) -> Summary:
    """Return mean and sample standard deviation."""
    sd = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return Summary(float(np.mean(values)), sd, tuple(values))


def records_of(metric: Metric, predictions: Sequence[Any]) -> Any:
    """Return what a metric needs of each record: counts (N, ...), or the predictions."""
    if metric.counts is None:
        return tuple(predictions)
    with calling(metric):
        counts = metric.counts(predictions)
    return counts if issparse(counts) else np.asarray(counts)


def bootstrap(metric: Metric, runs: Sequence[Any], seed: int = 0) -> NDArray[np.float64]:
    """Return the metric's mean over seeds on each draw of test records, float64, shape (B,).

    Equal seeds give equal draws, so that all models of a task are compared on the same records.

    Args:
        metric: Of the task.
        runs: Per seed, the result of `records_of`.
        seed: Of the draws.
    """
    n_records = runs[0].shape[0] if metric.counts else len(runs[0])
    numbers, shape = np.random.default_rng(seed), (_BATCH, n_records)
    if metric.aggregate is not None:
        resamples, value = _RESAMPLES, _of_counts(metric.aggregate, runs)
    else:
        resamples, value = _RESAMPLES_OF_SAMPLE, _of_sample(metric.of_sample, runs)
    with calling(metric):
        batches = range(0, resamples, _BATCH)
        return np.concatenate([value(numbers.integers(0, shape[1], shape)) for _ in batches])


def _of_counts(aggregate: _Function, runs: Sequence[Any]) -> _Function:
    """Return a function from numbers of drawn records (B, N) to means over seeds (B,)."""
    shape, number = runs[0].shape[1:], runs[0].shape[0]
    flat = [run if issparse(run) else run.reshape(number, -1).astype(np.float64) for run in runs]

    def value(drawn_BN: NDArray[np.int64]) -> NDArray[np.float64]:
        # Summing drawn records is a matrix product with how often each was drawn.
        times_BN = np.stack([np.bincount(row, minlength=number) for row in drawn_BN])
        sums = [(times_BN @ run_NX).reshape(len(drawn_BN), *shape) for run_NX in flat]
        values = [np.asarray(aggregate(each), dtype=np.float64) for each in sums]
        return np.stack(values, axis=-1).mean(axis=-1)

    return value


def _of_sample(of_sample: Any, runs: Sequence[Any]) -> _Function:
    def value(drawn_BN: NDArray[np.int64]) -> list[Any]:
        draws = drawn_BN.tolist()
        return [np.mean([of_sample([run[n] for n in draw]) for run in runs]) for draw in draws]

    return value


def of_seeds(values: Sequence[float] | NDArray[np.float64]) -> Part:
    """Return the variance of a mean over seeds; zero for one seed, whose spread is unknown."""
    if len(values) < 2:
        return 0.0, 1
    return float(np.var(values, ddof=1)) / len(values), len(values) - 1


def of_records(means_B: NDArray[np.float64], n_records: int) -> Part:
    """Return the bootstrap variance over records."""
    return float(means_B.var(ddof=1)), max(1, n_records - 1)


def interval(centre: float, *parts: Part) -> tuple[float, float]:
    """Return the ends of the 95 % interval around a mean with independent variances."""
    from scipy import stats

    variance = sum(part for part, _ in parts)
    if variance == 0.0:
        return centre, centre
    freedom = variance**2 / sum(part**2 / degrees for part, degrees in parts)
    reach = float(stats.t.ppf(0.5 + CONFIDENCE / 2, freedom)) * math.sqrt(variance)
    return centre - reach, centre + reach

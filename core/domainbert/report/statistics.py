"""Means over seeds, bootstrap values over records, and intervals that carry both.

Two things vary when a comparison is repeated: the seeds of fine-tuning and the records of the test
set. They are crossed: each seed is scored on each record. So the variance of a mean has three parts
(Brennan 2001, Generalizability Theory, ch. 2: persons × items): what seeds do to all records, what
records do to all seeds, and the interaction, which single seeds do to single records. The variance
over seeds holds the first and the third, the bootstrap variance over records of the mean the second
and the third; the bootstrap variance of single seeds tells them apart:

    interaction = (mean variance of a single seed - variance of the mean) / (S - 1)
    total       = variance over seeds + (variance of the mean - interaction)

The interval is the mean ± t times the root of the total. The degrees of freedom are the harmonic
mean of those of the parts, weighted by their variance. Welch–Satterthwaite's rule, which takes the
square of the weights (Satterthwaite 1946, doi:10.2307/3002019), is too trusting where the weights
come from three seeds: 7.8 % false alarms where 5 % are claimed; `benchmarks/calibration.py`.

Legend: S seeds, N records, B resamples.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from domainbert.errors import RunFailed
from domainbert.plugin.metric import Metric
from domainbert.plugin.registry import calling

CONFIDENCE = 0.95
_RESAMPLES, _BATCH = 2000, 100
# A function of a sample runs once per resample; 400 give the half-width to about 4 %.
_RESAMPLES_OF_SAMPLE = 400

_POWER = 0.8
# What is said of further seeds and records ends where nobody would follow.
_MOST_SEEDS = 1000
_TWO_DIGITS = sorted({digit * 10**power for power in range(5) for digit in range(1, 101)})
# The spread over seeds is, by chance, smaller than this quantile of its least distribution once in
# twenty times; with three seeds that agree by chance it would else be nothing.
_LEAST_SPREAD = 0.05

_Function = Callable[[Any], Any]
_Values = NDArray[np.float64]
Side = tuple[_Values, _Values]
"""Values of the seeds of a model, (S,), and on the draws of test records, (B, S)."""


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


def bootstrap(metric: Metric, runs: Sequence[Any], seed: int = 0) -> _Values:
    """Return the metric of each seed on each draw of test records, float64, shape (B, S).

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
        made = np.concatenate([value(numbers.integers(0, shape[1], shape)) for _ in batches])
        if not np.isfinite(made).all():
            raise RunFailed(f"metric {metric.name!r} has no value on some draws of test records.")
        return made


def _of_counts(aggregate: _Function, runs: Sequence[Any]) -> _Function:
    """Return a function from numbers of drawn records (B, N) to values of seeds (B, S)."""
    shape, number = runs[0].shape[1:], runs[0].shape[0]
    dense = [run.reshape(number, -1).astype(np.float64) for run in runs if not issparse(run)]
    # One product for all seeds: each reads how often records were drawn, which is the most of it.
    blocks = [np.hstack(dense)] if dense else runs

    def value(drawn_BN: NDArray[np.int64]) -> _Values:
        # Summing drawn records is a matrix product with how often each was drawn.
        times_BN = np.stack([np.bincount(row, minlength=number) for row in drawn_BN]).astype(float)
        sums = np.hstack([np.asarray(times_BN @ block_NX) for block_NX in blocks])
        sums_SBX = [part.reshape(-1, *shape) for part in np.split(sums, len(runs), axis=1)]
        return np.stack([np.asarray(aggregate(each), dtype=float) for each in sums_SBX], axis=-1)

    return value


def _of_sample(of_sample: Any, runs: Sequence[Any]) -> _Function:
    def value(drawn_BN: NDArray[np.int64]) -> list[list[float]]:
        draws = drawn_BN.tolist()
        return [[float(of_sample([run[n] for n in draw])) for run in runs] for draw in draws]

    return value


@dataclass(frozen=True)
class Variance:
    """The variance of a mean over seeds and records, or of the difference of two.

    Args:
        seeds: Variance over seeds divided by their number, the interaction included.
        freedom: Its degrees of freedom.
        records: What records do to all seeds alike.
        n_records: Their number.
        n_seeds: Of each model, the smaller of two numbers.
        interaction: The part of `seeds` that more records make smaller, too.
    """

    seeds: float
    freedom: float
    records: float = 0.0
    n_records: int = 0
    n_seeds: int = 0
    interaction: float = 0.0

    @property
    def total(self) -> float:
        """The variance."""
        return self.seeds + self.records

    @property
    def degrees(self) -> float:
        """Degrees of freedom of the total; infinity for none."""
        weighted = self.seeds / self.freedom + self.records / max(1, self.n_records - 1)
        return self.total / weighted if weighted else math.inf

    def interval(self, centre: float) -> tuple[float, float]:
        """Return the ends of the 95 % interval around a mean."""
        reach = self._quantile(0.5 + CONFIDENCE / 2) * math.sqrt(self.total)
        return centre - reach, centre + reach

    def p_value(self, difference: float) -> float:
        """Return how often no difference would look as large as this one, or larger."""
        from scipy import stats

        if self.total == 0.0:
            return 0.0 if difference else 1.0
        return float(2 * stats.t.sf(abs(difference) / math.sqrt(self.total), self.degrees))

    def visible(self) -> float:
        """Return the smallest difference whose interval leaves out zero 80 times in 100."""
        quantiles = self._quantile(0.5 + CONFIDENCE / 2) + self._quantile(_POWER)
        return quantiles * math.sqrt(self.total)

    def seeds_for(self, difference: float) -> int | None:
        """Return how many seeds would make a difference visible; None if no number does."""
        if self.n_seeds < 2 or not difference:
            return None
        numbers, small = range(self.n_seeds, _MOST_SEEDS + 1), abs(difference)
        found = bisect_left(
            numbers, True, key=lambda number: self._with(number, self.n_records).visible() <= small
        )
        return numbers[found] if found < len(numbers) else None

    def records_for(self, difference: float) -> int | None:
        """Return how many test records would, to two digits; None if no number does."""
        if self.n_seeds < 2 or not difference:
            return None
        # No bisection: with few seeds, whose spread then weighs most, the quantiles grow again.
        numbers, small = (n for n in _TWO_DIGITS if n >= self.n_records), abs(difference)
        return next((n for n in numbers if self._with(self.n_seeds, n).visible() <= small), None)

    def _quantile(self, share: float) -> float:
        from scipy import stats

        return float(stats.t.ppf(share, self.degrees))

    def _with(self, n_seeds: int, n_records: int) -> Variance:
        """Return what the variance would be with other numbers of seeds and records."""
        seeds, records = n_seeds / self.n_seeds, n_records / self.n_records
        # An estimate can be larger than the whole that it is a part of.
        part = min(self.seeds, self.interaction)
        own, interaction = self.seeds - part, part / (seeds * records)
        freedom = self.freedom * (n_seeds - 1) / (self.n_seeds - 1)
        spread = own / seeds + interaction
        return Variance(spread, freedom, self.records / records, n_records, n_seeds, interaction)


def variance_of_mean(values: Sequence[float] | _Values) -> Variance:
    """Return the variance of a mean of independent values; zero for one, of unknown spread."""
    if len(values) < 2:
        return Variance(0.0, 1)
    return Variance(float(np.var(values, ddof=1)) / len(values), len(values) - 1)


def crossed_variance(sides: Sequence[Side], n_records: int) -> Variance:
    """Return the variance of the mean of one model, or of the difference of two.

    Args:
        sides: Of one model, or of each of two with other seeds. Of two with equal seeds: one side
            of differences.
        n_records: Of the test set.
    """
    from scipy import stats

    means_B = sides[-1][1].mean(axis=1) - (sides[0][1].mean(axis=1) if len(sides) > 1 else 0.0)
    parts, interaction = [], 0.0
    for values_S, draws_BS in sides:
        part, own, n_seeds = variance_of_mean(values_S), 0.0, len(values_S)
        if n_seeds > 1:
            single, mean = draws_BS.var(axis=0, ddof=1).mean(), draws_BS.mean(axis=1).var(ddof=1)
            own = max(0.0, float(single - mean) / (n_seeds - 1))
            least = own * stats.chi2.ppf(_LEAST_SPREAD, n_seeds - 1) / (n_seeds - 1)
            part = replace(part, seeds=max(part.seeds, float(least)))
        parts.append(part)
        interaction += own
    seeds = sum(part.seeds for part in parts)
    squares = sum(part.seeds**2 / part.freedom for part in parts)
    freedom = seeds**2 / squares if seeds else float(parts[0].freedom)
    records = max(0.0, float(means_B.var(ddof=1)) - interaction)
    n_seeds = min(len(values) for values, _ in sides)
    return Variance(seeds, freedom, records, n_records, n_seeds, interaction)

"""Is the difference between two models more than chance?

Two things vary when a comparison is repeated: the seed of fine-tuning and the records that happen
to be in the test set. The intervals here carry both. The variance of a mean is the sum of two
parts: that over seeds, divided by their number, and the bootstrap variance over records, which are
drawn alike for all models of a task. The interval is the mean ± t times the root, with
Welch–Satterthwaite degrees of freedom (Satterthwaite 1946, doi:10.2307/3002019).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from domainbert.plugin.components import Metric
from domainbert.plugin.domain import Prediction
from domainbert.plugin.registry import calling

if TYPE_CHECKING:
    from numpy.typing import NDArray

CONFIDENCE = 0.95
_RESAMPLES = 2000


@dataclass(frozen=True)
class Summary:
    """Scores of one model over seeds: mean, and sample standard deviation (NaN for one seed)."""

    mean: float
    sd: float
    values: tuple[float, ...]


@dataclass(frozen=True)
class Interval:
    """A 95 % interval."""

    low: float
    high: float


@dataclass(frozen=True)
class Comparison:
    """Adapted minus base.

    Args:
        difference: Of the means.
        low: Lower end of the 95 % interval.
        high: Upper end.
        verdict: `better`, `worse`, or `not shown` where the interval contains zero.
    """

    difference: float
    low: float
    high: float
    verdict: str


@dataclass(frozen=True, eq=False)
class Replicates:
    """The headline of one model on one task, and what it is on other draws of test records.

    Args:
        values_S: Of each seed.
        means_B: Mean over seeds on each draw; the draws are alike for all models of a task.
        n_records: Test records.
        seeded: Whether another seed gives other values; false for a deterministic baseline.
    """

    values_S: NDArray[np.float64]
    means_B: NDArray[np.float64]
    n_records: int
    seeded: bool = True

    @property
    def seeds_known(self) -> bool:
        """Whether the spread over seeds is known."""
        return not self.seeded or len(self.values_S) > 1


def summarise(values: Sequence[float]) -> Summary:
    """Return mean and sample standard deviation."""
    sd = float(np.std(values, ddof=1)) if len(values) > 1 else math.nan
    return Summary(float(np.mean(values)), sd, tuple(values))


def compare(
    metric: Metric,
    base_SN: Sequence[Sequence[Prediction]],
    other_SN: Sequence[Sequence[Prediction]],
) -> Comparison:
    """Compare two models on the same seeds and test records by a metric.

    Args:
        metric: The metric.
        base_SN: Predictions of S seeds for N records.
        other_SN: The same for the other model.
    """
    return difference(replicate(metric, base_SN), replicate(metric, other_SN))


def replicate(
    metric: Metric,
    predictions_SN: Sequence[Sequence[Prediction]],
    *,
    seeded: bool = True,
    seed: int = 0,
) -> Replicates:
    """Return a metric of a model on its test records and on draws of them.

    Args:
        metric: The metric.
        predictions_SN: Predictions of S seeds for N records.
        seeded: Whether another seed of fine-tuning would give other predictions.
        seed: Of the bootstrap; with the same one, models of a task see the same draws.
    """
    from scipy import stats

    n_records = len(predictions_SN[0])
    rows = np.arange(n_records)
    of_draws = _of_draws(metric, predictions_SN)
    values_S = of_draws(rows[None])[0]
    if n_records < 2:
        return Replicates(values_S, np.full(_RESAMPLES, values_S.mean()), n_records, seeded)

    def statistic(sample_BN: NDArray[np.int64], axis: int = -1) -> NDArray[np.float64]:
        return of_draws(sample_BN).mean(axis=-1)

    drawn = stats.bootstrap(
        (rows,),
        statistic,
        n_resamples=_RESAMPLES,
        batch=100,
        method="percentile",
        vectorized=True,
        rng=np.random.default_rng(seed),
    )
    return Replicates(values_S, drawn.bootstrap_distribution, n_records, seeded)


def _of_draws(
    metric: Metric, predictions_SN: Sequence[Sequence[Prediction]]
) -> Callable[[NDArray[np.int64]], NDArray[np.float64]]:
    """Return the function from record numbers of draws (B, N) to values (B, S)."""
    counts, aggregate, of_sample = metric.counts, metric.aggregate, metric.of_sample
    if counts is None or aggregate is None:
        assert of_sample is not None  # noqa: S101  # as the record of a metric makes sure

        def of_draws(sample_BN: NDArray[np.int64]) -> NDArray[np.float64]:
            with calling(metric):
                return np.array(
                    [[of_sample([p[n] for n in row]) for p in predictions_SN] for row in sample_BN]
                )

        return of_draws
    with calling(metric):
        counts_SN = np.stack([counts(predictions) for predictions in predictions_SN])
    n_records = counts_SN.shape[1]
    # Summing drawn records is a matrix product with how often each was drawn.
    flat_NX = np.moveaxis(counts_SN, 1, 0).reshape(n_records, -1).astype(np.float64)
    shape = (counts_SN.shape[0], *counts_SN.shape[2:])

    def of_sums(sample_BN: NDArray[np.int64]) -> NDArray[np.float64]:
        drawn_BN = np.stack([np.bincount(row, minlength=n_records) for row in sample_BN])
        with calling(metric):
            return np.asarray(aggregate((drawn_BN @ flat_NX).reshape(len(sample_BN), *shape)))

    return of_sums


def interval(found: Replicates) -> Interval:
    """Return the 95 % interval of a mean over seeds, cut at 0 and 1, which no headline leaves.

    With one seed it carries the choice of records only.
    """
    parts = [_of_seeds(found.values_S), _of_records(found.means_B, found.n_records)]
    whole = _interval(float(found.values_S.mean()), parts)
    return Interval(max(0.0, whole.low), min(1.0, whole.high))


def difference(base: Replicates, other: Replicates, *, paired: bool = True) -> Comparison:
    """Return the other model minus the base, on the same test records.

    With one seed of a model that has seeds nothing is known of their spread, and the verdict is
    `not shown` whatever the interval.

    Args:
        base: What is compared with.
        other: The other model.
        paired: Whether the values of both are of the same seeds in the same order; else the spread
            over seeds of each is counted on its own.
    """
    if paired:
        parts = [_of_seeds(other.values_S - base.values_S)]
    else:
        parts = [_of_seeds(base.values_S), _of_seeds(other.values_S)]
    parts.append(_of_records(other.means_B - base.means_B, base.n_records))
    centre = float(other.values_S.mean() - base.values_S.mean())
    found = _interval(centre, parts)
    verdict = "not shown"
    if base.seeds_known and other.seeds_known and (found.low > 0 or found.high < 0):
        verdict = "better" if found.low > 0 else "worse"
    return Comparison(centre, found.low, found.high, verdict)


def _of_seeds(values_S: NDArray[np.float64]) -> tuple[float, int]:
    """Return the variance of a mean over seeds and its degrees of freedom."""
    if len(values_S) < 2:
        return 0.0, 1
    return float(values_S.var(ddof=1)) / len(values_S), len(values_S) - 1


def _of_records(means_B: NDArray[np.float64], n_records: int) -> tuple[float, int]:
    return float(means_B.var(ddof=1)), max(1, n_records - 1)


def _interval(centre: float, parts: Sequence[tuple[float, int]]) -> Interval:
    from scipy import stats

    variance = sum(part for part, _ in parts)
    if variance == 0.0:
        return Interval(centre, centre)
    freedom = variance**2 / sum(part**2 / degrees for part, degrees in parts)
    reach = float(stats.t.ppf(0.5 + CONFIDENCE / 2, freedom)) * math.sqrt(variance)
    return Interval(centre - reach, centre + reach)

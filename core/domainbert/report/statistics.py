"""Is the difference between two models more than chance?

Two things vary when a comparison is repeated: the seed of fine-tuning and the sentences that happen
to be in the test set. The interval here carries both.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from domainbert.tasks.metrics import headline_of_counts

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


def summarise(values: Sequence[float]) -> Summary:
    """Return mean and sample standard deviation."""
    sd = float(np.std(values, ddof=1)) if len(values) > 1 else math.nan
    return Summary(float(np.mean(values)), sd, tuple(values))


def compare(
    base_SNK3: NDArray[np.int64], adapted_SNK3: NDArray[np.int64], seed: int = 0
) -> Comparison:
    """Compare two models on the same seeds and test records by the task's headline.

    The variance of the difference is the sum of two parts: that of the paired differences over
    seeds, divided by the number of seeds, and the bootstrap variance over records, drawn alike
    for both models. The interval is the difference ± t times the root, with Welch–Satterthwaite
    degrees of freedom (Satterthwaite 1946, doi:10.2307/3002019). With one seed nothing is known of
    the first part, and the verdict is `not shown` whatever the interval.

    Args:
        base_SNK3: (right, predicted, gold) of S seeds, N records and K classes; see
            `headline_counts`.
        adapted_SNK3: The same for the other model.
        seed: Of the bootstrap.
    """
    from scipy import stats

    both_2SNK3 = np.stack([base_SNK3, adapted_SNK3])
    n_seeds, n_records = base_SNK3.shape[:2]
    differences_S = _differences(both_2SNK3.sum(axis=2))
    difference = float(differences_S.mean())
    record_variance = _bootstrap_variance(both_2SNK3, seed)
    seed_variance = float(differences_S.var(ddof=1)) / n_seeds if n_seeds > 1 else 0.0
    variance = record_variance + seed_variance
    if variance == 0.0:
        low = high = difference
    else:
        parts = record_variance**2 / max(1, n_records - 1)
        parts += seed_variance**2 / max(1, n_seeds - 1)
        reach = float(stats.t.ppf(0.5 + CONFIDENCE / 2, variance**2 / parts)) * math.sqrt(variance)
        low, high = difference - reach, difference + reach
    verdict = "not shown"
    if n_seeds > 1 and (low > 0 or high < 0):
        verdict = "better" if low > 0 else "worse"
    return Comparison(difference, low, high, verdict)


def _differences(sums_2SK3: NDArray[Any]) -> NDArray[np.float64]:
    """Return the second model's headline minus the first's for each seed, shape (..., S)."""
    headlines = headline_of_counts(sums_2SK3)
    return headlines[..., 1, :] - headlines[..., 0, :]


def _bootstrap_variance(both_2SNK3: NDArray[np.int64], seed: int) -> float:
    from scipy import stats

    rows = np.arange(both_2SNK3.shape[2])
    # Summing drawn records is a matrix product with how often each was drawn.
    flat_NX = np.moveaxis(both_2SNK3, 2, 0).reshape(len(rows), -1).astype(np.float64)
    shape = (*both_2SNK3.shape[:2], *both_2SNK3.shape[3:])

    def statistic(sample_BN: NDArray[np.int64], axis: int = -1) -> NDArray[np.float64]:
        drawn_BN = np.stack([np.bincount(row, minlength=len(rows)) for row in sample_BN])
        return _differences((drawn_BN @ flat_NX).reshape(-1, *shape)).mean(axis=-1)

    if len(rows) < 2:
        return 0.0
    result = stats.bootstrap(
        (rows,),
        statistic,
        n_resamples=_RESAMPLES,
        batch=100,
        method="percentile",
        vectorized=True,
        rng=np.random.default_rng(seed),
    )
    return float(result.standard_error**2)

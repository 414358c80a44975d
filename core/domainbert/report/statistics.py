"""Is the difference between two models more than chance?

Two things vary when a comparison is repeated: the seed of fine-tuning and the sentences that happen
to be in the test set. The interval here carries both.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from domainbert.tasks.metrics import f1_of_counts

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
    base_SN3: NDArray[np.int64], adapted_SN3: NDArray[np.int64], seed: int = 0
) -> Comparison:
    """Compare two models on the same seeds and test sentences by strict entity F1.

    The variance of the difference is the sum of two parts: that of the paired differences over
    seeds, divided by the number of seeds, and the bootstrap variance over sentences, drawn alike
    for both models. The interval is the difference ± t times the root, with Welch–Satterthwaite
    degrees of freedom (Satterthwaite 1946, doi:10.2307/3002019). With one seed nothing is known of
    the first part, and the verdict is `not shown` whatever the interval.

    Args:
        base_SN3: (right, predicted, gold) mentions of S seeds and N sentences.
        adapted_SN3: The same for the other model.
        seed: Of the bootstrap.
    """
    from scipy import stats

    both_NS6 = np.concatenate([base_SN3, adapted_SN3], axis=2).transpose(1, 0, 2)
    n_sentences, n_seeds = both_NS6.shape[:2]
    differences_S = _differences(both_NS6.sum(axis=0))
    difference = float(differences_S.mean())
    sentence_variance = _bootstrap_variance(both_NS6, seed)
    seed_variance = float(differences_S.var(ddof=1)) / n_seeds if n_seeds > 1 else 0.0
    variance = sentence_variance + seed_variance
    if variance == 0.0:
        low = high = difference
    else:
        parts = sentence_variance**2 / max(1, n_sentences - 1)
        parts += seed_variance**2 / max(1, n_seeds - 1)
        reach = float(stats.t.ppf(0.5 + CONFIDENCE / 2, variance**2 / parts)) * math.sqrt(variance)
        low, high = difference - reach, difference + reach
    verdict = "not shown"
    if n_seeds > 1 and (low > 0 or high < 0):
        verdict = "better" if low > 0 else "worse"
    return Comparison(difference, low, high, verdict)


def _differences(sums_S6: NDArray[np.int64]) -> NDArray[np.float64]:
    return f1_of_counts(sums_S6[..., 3:]) - f1_of_counts(sums_S6[..., :3])


def _bootstrap_variance(both_NS6: NDArray[np.int64], seed: int) -> float:
    from scipy import stats

    rows = np.arange(len(both_NS6))

    def statistic(sample: NDArray[np.int64], axis: int = -1) -> NDArray[np.float64]:
        return _differences(both_NS6[sample].sum(axis=-3)).mean(axis=-1)

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

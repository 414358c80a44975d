"""Scores of predicted numbers: correlations, mean squared error, and explained variance.

A correlation is 0 where one side is constant, for which it is not defined: a model that says the
same of every text has found nothing.

Legend: N records.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from domainbert.plugin.domain import Prediction
from domainbert.plugin.metric import Metric
from domainbert.tasks.metrics.labels import share

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# A variance is that of equal numbers where it is so small a part of their mean square.
_ROUNDING = 1e-12


def sides(predictions: Sequence[Prediction]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return gold and predicted numbers, float64, shape (N,)."""
    import numpy as np

    rows = [(float(p.gold[0]), float(p.predicted[0])) for p in predictions]
    gold_N, guess_N = np.array(rows, dtype=np.float64).reshape(-1, 2).T
    return gold_N, guess_N


def moments(predictions: Sequence[Prediction]) -> NDArray[np.float64]:
    """Return the moments of Pearson's correlation per record; float64, shape (N, 6).

    They are 1, x, y, xx, yy and xy of gold x and predicted y, each standardised over all records:
    the correlation stays, and sums lose no digits.
    """
    import numpy as np

    x_N, y_N = map(_standardised, sides(predictions))
    return np.stack([np.ones_like(x_N), x_N, y_N, x_N**2, y_N**2, x_N * y_N], axis=1)


def _standardised(values_N: NDArray[np.float64]) -> NDArray[np.float64]:
    import numpy as np

    spread = values_N.std()
    # By rounding, that of equal numbers may be no zero, and that of tiny ones is.
    if values_N.min() == values_N.max() or not spread:
        return np.zeros_like(values_N)
    return np.asarray((values_N - values_N.mean()) / spread)


def pearson(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Pearson's correlation from sums of moments (..., 6); 0 where it is undefined."""
    import numpy as np

    n, x, y, xx, yy, xy = np.moveaxis(np.asarray(sums, dtype=np.float64), -1, 0)
    spreads = xx - x * x / n, yy - y * y / n
    constant = (spreads[0] <= _ROUNDING * xx) | (spreads[1] <= _ROUNDING * yy)
    product = np.where(constant, 1.0, spreads[0]) * np.where(constant, 1.0, spreads[1])
    return np.clip(np.where(constant, 0.0, (xy - x * y / n) / np.sqrt(product)), -1.0, 1.0)


def spearman(predictions: Sequence[Prediction]) -> float:
    """Return Spearman's rank correlation, by scipy; 0 where one side is constant."""
    from scipy.stats import spearmanr

    gold_N, guess_N = sides(predictions)
    if gold_N.min() == gold_N.max() or guess_N.min() == guess_N.max():
        return 0.0
    return float(spearmanr(gold_N, guess_N).statistic)


def squared_errors(predictions: Sequence[Prediction]) -> NDArray[np.float64]:
    """Return the squared error per record, and 1; float64, shape (N, 2)."""
    import numpy as np

    gold_N, guess_N = sides(predictions)
    return np.stack([(gold_N - guess_N) ** 2, np.ones_like(gold_N)], axis=1)


def residuals(predictions: Sequence[Prediction]) -> NDArray[np.float64]:
    """Return squared error, 1, gold and its square per record; gold minus its mean, (N, 4)."""
    import numpy as np

    gold_N, _ = sides(predictions)
    centred_N = gold_N - gold_N.mean()
    return np.column_stack([squared_errors(predictions), centred_N, centred_N**2])


def explained(sums: NDArray[np.float64]) -> Any:
    """Return R², one minus the share of the variance that is error; 0 where gold is constant."""
    import numpy as np

    errors, n, x, xx = np.moveaxis(np.asarray(sums, dtype=np.float64), -1, 0)
    spread = xx - x * x / n
    constant = spread <= _ROUNDING * xx
    return np.where(constant, 0.0, 1.0 - errors / np.where(constant, 1.0, spread))


_numbers = partial(Metric, kinds=("regression",))

METRICS = (
    _numbers(
        "pearson", "Pearson's correlation", moments, pearson, low=-1.0,
        definition="Linear correlation of predicted and gold numbers; 0 for a constant side.",
        source="scipy, `pearsonr`", checked="scipy",
    ),
    _numbers(
        "spearman", "Spearman's rank correlation", of_sample=spearman, low=-1.0,
        definition="Correlation of the ranks, ties averaged; 0 where one side is constant.",
        source="scipy, `spearmanr`", checked="scipy",
    ),
    _numbers(
        "r2", "Explained share of the variance", residuals, explained, low=-float("inf"),
        definition="One minus squared errors over squared distances from the gold mean.",
        source="scikit-learn, `r2_score`", checked="scikit-learn",
    ),
    _numbers(
        "mse", "Mean squared error, lower is better", squared_errors, share,
        high=float("inf"), shown=False,
        definition="Mean of the squared errors, in squared units of the data; lower is better.",
        source="scikit-learn, `mean_squared_error`", checked="scikit-learn",
    ),
)  # fmt: skip

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from domainbert.plugin.components import Metric
from domainbert.plugin.domain import Prediction
from domainbert.report.statistics import bootstrap, interval, of_seeds, records_of


def right(predictions: Any) -> Any:
    return np.array([[p.gold == p.predicted, 1] for p in predictions])


def share(sums: Any) -> Any:
    return sums[..., 0] / sums[..., 1]


COUNTED = Metric("right", counts=right, aggregate=share)
SAMPLED = Metric("right", of_sample=lambda sample: float(share(right(sample).sum(axis=0))))


def run(seed: int, records: int = 80, quality: float = 0.7) -> tuple[Prediction, ...]:
    hits = np.random.default_rng(seed).random(records) < quality
    return tuple(Prediction(("a",), ("a" if hit else "b",)) for hit in hits)


def drawn(metric: Metric, *runs: tuple[Prediction, ...], seed: int = 0) -> Any:
    return bootstrap(metric, [records_of(metric, predictions) for predictions in runs], seed)


def test_draws_are_those_of_scipys_bootstrap() -> None:
    values_N = right(run(1))[:, 0].astype(float)
    other = stats.bootstrap(
        (values_N,), np.mean, n_resamples=2000, batch=100, rng=np.random.default_rng(0)
    )
    assert drawn(COUNTED, run(1)).tolist() == other.bootstrap_distribution.tolist()


def test_a_function_of_a_sample_sees_the_same_draws_as_counts() -> None:
    counted, sampled = (drawn(metric, run(1), run(2)) for metric in (COUNTED, SAMPLED))
    assert (len(counted), len(sampled)) == (2000, 400)
    assert sampled == pytest.approx(counted[:400])


def test_draws_are_alike_for_all_models_and_differ_by_seed() -> None:
    assert drawn(COUNTED, run(1)).tolist() == drawn(COUNTED, run(1), run(1)).tolist()
    assert drawn(COUNTED, run(1)).tolist() != drawn(COUNTED, run(1), seed=1).tolist()


def test_the_interval_by_hand() -> None:
    assert interval(0.5, (0.0, 1)) == (0.5, 0.5)
    parts = [of_seeds([0.1, 0.2, 0.3]), (0.002, 79)]
    assert parts[0] == (pytest.approx(0.01 / 3), 2)
    variance = 0.01 / 3 + 0.002
    freedom = variance**2 / ((0.01 / 3) ** 2 / 2 + 0.002**2 / 79)
    reach = stats.t.ppf(0.975, freedom) * math.sqrt(variance)
    assert interval(0.2, *parts) == pytest.approx((0.2 - reach, 0.2 + reach))

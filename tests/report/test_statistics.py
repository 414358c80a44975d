from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from domainbert.plugin.domain import Prediction
from domainbert.plugin.metric import Metric
from domainbert.report.statistics import (
    Variance,
    bootstrap,
    crossed_variance,
    records_of,
    variance_of_mean,
)


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
    assert drawn(COUNTED, run(1))[:, 0].tolist() == other.bootstrap_distribution.tolist()


def test_a_function_of_a_sample_sees_the_same_draws_as_counts() -> None:
    counted, sampled = (drawn(metric, run(1), run(2)) for metric in (COUNTED, SAMPLED))
    assert (counted.shape, sampled.shape) == ((2000, 2), (400, 2))
    assert sampled == pytest.approx(counted[:400])


def test_draws_are_alike_for_all_models_and_differ_by_seed() -> None:
    assert drawn(COUNTED, run(1))[:, 0].tolist() == drawn(COUNTED, run(2), run(1))[:, 1].tolist()
    assert drawn(COUNTED, run(1)).tolist() != drawn(COUNTED, run(1), seed=1).tolist()


def test_the_interval_by_hand() -> None:
    assert Variance(0.0, 1).interval(0.5) == (0.5, 0.5)
    seeds = variance_of_mean([0.1, 0.2, 0.3])
    assert (seeds.seeds, seeds.freedom) == (pytest.approx(0.01 / 3), 2)
    made = Variance(seeds.seeds, 2, 0.002, n_records=80, n_seeds=3)
    variance = 0.01 / 3 + 0.002
    freedom = variance / ((0.01 / 3) / 2 + 0.002 / 79)
    reach = stats.t.ppf(0.975, freedom) * math.sqrt(variance)
    assert made.interval(0.2) == pytest.approx((0.2 - reach, 0.2 + reach))
    # An interval ends at zero where p is 5 %.
    assert made.p_value(reach) == pytest.approx(0.05)
    assert made.visible() == pytest.approx(
        reach * (1 + stats.t.ppf(0.8, freedom) / reach * math.sqrt(variance))
    )


def crossed(seeds: int, records: int, sds: tuple[float, ...], seed: int) -> Any:
    """Differences of S seeds on N records: of the seed, of the record, and of both, (S, N)."""
    numbers = np.random.default_rng(seed)
    parts = [numbers.normal(0, sd, shape) for sd, shape in zip(
        sds, ((seeds, 1), (1, records), (seeds, records)), strict=True)]  # fmt: skip
    return sum(parts)


def variance(values_SN: Any) -> Variance:
    # The variance of a mean over drawn records, without the noise of draws.
    times_BN = np.random.default_rng(1).multinomial(
        values_SN.shape[1], np.full(values_SN.shape[1], 1 / values_SN.shape[1]), 1000
    )
    draws_BS = times_BN @ values_SN.T / values_SN.shape[1]
    return crossed_variance([(values_SN.mean(axis=1), draws_BS)], values_SN.shape[1])


@pytest.mark.parametrize("sds", [(0.0, 0.0, 1.0), (0.0, 1.0, 0.5), (0.05, 0.5, 0.5)])
def test_the_interaction_is_counted_once(sds: tuple[float, ...]) -> None:
    n_seeds, n_records = 8, 500
    made = [variance(crossed(n_seeds, n_records, sds, seed)) for seed in range(25)]
    own = [sd**2 for sd in sds]
    true = own[0] / n_seeds + own[1] / n_records + own[2] / (n_seeds * n_records)
    assert np.mean([each.total for each in made]) == pytest.approx(true, rel=0.2)
    interaction = np.mean([each.interaction for each in made])
    assert interaction == pytest.approx(own[2] / (n_seeds * n_records), rel=0.1)


def test_seeds_that_agree_by_chance_have_an_interval() -> None:
    # Each seed is right once more than the other model, on another record: no spread over seeds.
    values_SN = np.zeros((3, 200))
    values_SN[[0, 1, 2], [5, 50, 150]] = 1.0
    made = variance(values_SN)
    assert made.seeds == pytest.approx(made.interaction * stats.chi2.ppf(0.05, 2) / 2)
    assert made.visible() > 0.002


def test_more_seeds_and_records_make_a_difference_visible() -> None:
    by_seeds = Variance(0.0004, 4, 0.00001, 500, 5, 0.00001)
    needed = by_seeds.seeds_for(0.03)
    assert needed is not None
    assert by_seeds._with(needed, 500).visible() <= 0.03 < by_seeds._with(needed - 1, 500).visible()
    # Records cannot make up for seeds, nor seeds for records.
    assert by_seeds.records_for(0.03) is None
    by_records = Variance(0.0, 4, 0.0004, 500, 5)
    assert by_records.seeds_for(0.03) is None
    assert by_records.visible() == pytest.approx(2.808 * 0.02, rel=1e-3)
    # 500 records times (2.80 · 0.02 / 0.03)²
    assert by_records.records_for(0.03) == 1800
    assert by_records.records_for(0.0) is None
    # Three seeds with nearly all of the variance: more records let their spread weigh more, and
    # its quantiles are wide, so what is visible shrinks, and then grows.
    few = Variance(0.00002, 2, 0.0004, 500, 3, 0.000019)
    first = few.records_for(0.045)
    assert first is not None
    assert few._with(3, first).visible() <= 0.045


def test_an_interaction_larger_than_the_spread_changes_nothing_by_itself() -> None:
    made = Variance(0.0001, 4, 0.0002, 500, 5, 0.0003)
    assert made._with(5, 500).visible() == pytest.approx(made.visible())
    assert made._with(10, 500).visible() < made.visible()

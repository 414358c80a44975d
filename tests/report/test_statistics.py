from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from domainbert.report.statistics import (
    Comparison,
    Interval,
    Summary,
    compare,
    difference,
    interval,
    replicate,
    summarise,
)

Counts = NDArray[np.int64]


def counts(seed: int, right: float, seeds: int = 3, sentences: int = 80) -> Counts:
    """Mentions of each seed, sentence and the one class, of which a share is right."""
    numbers = np.random.default_rng(seed)
    gold = np.random.default_rng(99).integers(0, 4, sentences)
    said = np.broadcast_to(gold, (seeds, sentences))
    return np.stack([numbers.binomial(said, right), said, said], axis=2)[:, :, None]


def f1(sums: Counts) -> float:
    return 2 * sums[0] / (sums[1] + sums[2])


def differences(base: Counts, adapted: Counts, rows: Counts | None = None) -> list[float]:
    """F1 of each seed, adapted minus base, on the given sentences."""
    chosen = np.arange(base.shape[1]) if rows is None else rows
    return [
        f1(new[chosen, 0].sum(axis=0)) - f1(old[chosen, 0].sum(axis=0))
        for old, new in zip(base, adapted, strict=True)
    ]


def brute_force(base: Counts, adapted: Counts, resamples: int) -> tuple[float, float]:
    """Difference, and half the width of its interval, by a plain loop."""
    seeds, sentences = base.shape[:2]
    found = differences(base, adapted)
    numbers = np.random.default_rng(123)
    drawn = [
        float(np.mean(differences(base, adapted, numbers.integers(0, sentences, sentences))))
        for _ in range(resamples)
    ]
    of_sentences, of_seeds = float(np.var(drawn, ddof=1)), float(np.var(found, ddof=1)) / seeds
    variance = of_sentences + of_seeds
    freedom = variance**2 / (of_sentences**2 / (sentences - 1) + of_seeds**2 / (seeds - 1))
    return float(np.mean(found)), float(stats.t.ppf(0.975, freedom)) * math.sqrt(variance)


def test_a_model_compared_with_itself_is_not_shown_to_differ() -> None:
    base = counts(1, 0.7)
    assert compare(base, base) == Comparison(0.0, 0.0, 0.0, "not shown")


def test_a_clear_difference_is_better_one_way_and_worse_the_other() -> None:
    base, adapted = counts(1, 0.6), counts(2, 0.9)
    better, worse = compare(base, adapted), compare(adapted, base)
    assert (better.verdict, worse.verdict) == ("better", "worse")
    assert better.low > 0
    assert worse.difference == pytest.approx(-better.difference)
    assert (worse.low, worse.high) == pytest.approx((-better.high, -better.low))


def test_a_difference_within_the_noise_is_not_shown() -> None:
    found = compare(counts(1, 0.7), counts(2, 0.7))
    assert found.low < 0 < found.high
    assert found.verdict == "not shown"


def test_one_seed_shows_nothing_however_far_apart_the_models_are() -> None:
    found = compare(counts(1, 0.1, seeds=1), counts(2, 0.9, seeds=1))
    assert found.low > 0.5
    assert found.verdict == "not shown"


@pytest.mark.parametrize("seeds", [2, 5])
def test_the_interval_is_that_of_a_plain_bootstrap(seeds: int) -> None:
    base, adapted = counts(1, 0.7, seeds), counts(2, 0.75, seeds)
    difference, reach = brute_force(base, adapted, 1000)
    found = compare(base, adapted)
    assert found.difference == pytest.approx(difference)
    # The variance of a bootstrap of 1000 is known to about 4.5 %, its root to half of that.
    assert found.high - found.difference == pytest.approx(reach, rel=0.1)
    assert found.difference - found.low == pytest.approx(found.high - found.difference)


def test_seeds_that_disagree_widen_the_interval() -> None:
    base = counts(1, 0.7, seeds=2)
    steady = np.stack([counts(2, 0.8, seeds=1)[0]] * 2)
    erratic = np.stack([counts(2, 0.7, seeds=1)[0], counts(3, 0.9, seeds=1)[0]])
    widths = [
        (found.high - found.low)
        for found in (compare(np.stack([base[0]] * 2), other) for other in (steady, erratic))
    ]
    assert widths[1] > 3 * widths[0]


def test_with_one_sentence_only_the_seeds_vary() -> None:
    base = np.array([[[[5, 10, 10]]], [[[5, 10, 10]]], [[[5, 10, 10]]]])
    adapted = np.array([[[[6, 10, 10]]], [[[7, 10, 10]]], [[[8, 10, 10]]]])
    found = compare(base, adapted)
    reach = stats.t.ppf(0.975, 2) * 0.1 / math.sqrt(3)
    assert found.difference == pytest.approx(0.2)
    assert (found.low, found.high) == pytest.approx((0.2 - reach, 0.2 + reach))
    assert found.verdict == "not shown"


def test_the_same_seed_gives_the_same_interval_and_another_nearly_so() -> None:
    base, adapted = counts(1, 0.7), counts(2, 0.75)
    first = compare(base, adapted, seed=0)
    assert first == compare(base, adapted, seed=0)
    other = compare(base, adapted, seed=1)
    assert first.low != other.low
    assert first.high - first.low == pytest.approx(other.high - other.low, rel=0.1)


@given(order=st.permutations(range(30)))
@settings(max_examples=5, deadline=None)
def test_the_difference_does_not_depend_on_the_order_of_sentences(order: list[int]) -> None:
    base, adapted = counts(1, 0.7, sentences=30), counts(2, 0.8, sentences=30)
    found = compare(base[:, order], adapted[:, order])
    assert found.difference == pytest.approx(compare(base, adapted).difference)


def test_equal_models_are_seldom_called_different() -> None:
    verdicts = [
        compare(counts(2 * n, 0.7, sentences=40), counts(2 * n + 1, 0.7, sentences=40)).verdict
        for n in range(60)
    ]
    # Three expected; eleven or more have a chance below one in ten thousand.
    assert 60 - verdicts.count("not shown") <= 10


def test_summary_by_hand() -> None:
    found = summarise([0.5, 0.7, 0.9])
    assert found.values == (0.5, 0.7, 0.9)
    assert (found.mean, found.sd) == pytest.approx((0.7, 0.2))


def test_the_spread_of_one_seed_is_unknown() -> None:
    found = summarise([0.5])
    assert found == Summary(0.5, pytest.approx(math.nan, nan_ok=True), (0.5,))


def test_the_interval_of_a_mean_is_that_of_its_difference_to_a_constant() -> None:
    wrong = np.zeros((3, 80, 1, 3), dtype=np.int64)
    wrong[..., 2] = 1
    model = replicate(counts(1, 0.7))
    found, against = interval(model), difference(replicate(wrong), model)
    assert (found.low, found.high) == pytest.approx((against.low, against.high))
    assert found.low < model.values_S.mean() < found.high


def test_the_interval_of_a_mean_stays_among_scores() -> None:
    unsteady = np.stack([counts(1, 0.2, seeds=1)[0], counts(2, 1.0, seeds=1)[0]])
    assert interval(replicate(unsteady)) == Interval(0.0, 1.0)


def test_seeds_that_are_not_paired_count_each_on_their_own() -> None:
    base, adapted = replicate(counts(1, 0.7, seeds=3)), replicate(counts(2, 0.75, seeds=5))
    found = difference(base, adapted, paired=False)
    of_records = float((adapted.means_B - base.means_B).var(ddof=1))
    parts = [
        (of_records, 79),
        (float(base.values_S.var(ddof=1)) / 3, 2),
        (float(adapted.values_S.var(ddof=1)) / 5, 4),
    ]
    variance = sum(part for part, _ in parts)
    freedom = variance**2 / sum(part**2 / degrees for part, degrees in parts)
    reach = float(stats.t.ppf(0.975, freedom)) * math.sqrt(variance)
    assert found.difference == pytest.approx(adapted.values_S.mean() - base.values_S.mean())
    assert found.high - found.difference == pytest.approx(reach)


def test_a_deterministic_baseline_needs_no_second_seed() -> None:
    model, once = replicate(counts(1, 0.9)), counts(2, 0.2, seeds=1)
    assert difference(replicate(once), model, paired=False).verdict == "not shown"
    baseline = replicate(once, seeded=False)
    assert difference(baseline, model, paired=False).verdict == "better"


@pytest.mark.parametrize("classes", [1, 4])
def test_draws_of_records_are_alike_for_all_models(classes: int) -> None:
    one = np.repeat(counts(1, 0.7), classes, axis=2)
    assert np.array_equal(replicate(one).means_B, replicate(one.copy()).means_B)
    more = replicate(np.concatenate([one, one]))
    assert more.means_B == pytest.approx(replicate(one).means_B)

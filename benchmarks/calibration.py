"""Whether a verdict means what it says: false alarms, power and coverage on simulated results.

    python benchmarks/calibration.py [--trials 2000] [--records 200 600 2000 5000]

Two models are fine-tuned with the same number of seeds and scored on the same records, many times
over. By chance a seed is better on all records, a model is better on single records with all its
seeds, or single seeds are better on single records (the interaction). The verdict is that of the
product: its bootstrap, its variance, its interval. One JSON line:

    false_positive_rate   of two equal models, verdicts other than "not shown", in percent, by
                          regime (metric, seeds, noise), over all numbers of records
    coverage              intervals that hold the true difference, in percent, of unequal models
    power                 by the true gain in points: the share of "better", and the median of the
                          difference that the product calls visible with 80 % power
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
from scipy.special import ndtr

from domainbert.report.statistics import Variance, bootstrap, crossed_variance
from domainbert.tasks.metrics.entities import METRICS as ENTITY_METRICS
from domainbert.tasks.metrics.labels import METRICS as LABEL_METRICS

_METRICS = {metric.name: metric for metric in (*ENTITY_METRICS, *LABEL_METRICS)}
_NAMES = ("accuracy", "f1_strict", "f1_macro")
_SEEDS = (3, 5, 10)
# Standard deviations of seed, record and interaction on the scale of a probit.
_NOISE = {
    "seed": (0.15, 0.0, 0.1),
    "record": (0.0, 1.0, 0.2),
    "both": (0.08, 0.7, 0.7),
    "interaction": (0.0, 0.0, 1.5),
}
_CLASS_SHARES = (0.5, 0.25, 0.15, 0.1)
_GAINS = (0.0, 0.05, 0.1, 0.2, 0.3)
_AT_ONCE = 25
Numbers = np.random.Generator


def chances(numbers: Numbers, noise: tuple[float, ...], shape: Any, gain: float) -> Any:
    """Return how likely each seed is right on each record, (S, N)."""
    seed, record, interaction = noise
    latent_SN = numbers.normal(0, seed, (shape[0], 1)) + numbers.normal(0, record, (1, shape[1]))
    latent_SN = latent_SN + numbers.normal(0, interaction, shape)
    # A normal score divided by its spread has the same mean chance, whatever its parts: 0.8.
    spread = np.sqrt(1 + seed**2 + record**2 + interaction**2)
    return ndtr(latent_SN + spread * (0.84 + gain))


def test_set(numbers: Numbers, name: str, n_records: int) -> Any:
    """Return what all models share: mentions per sentence, classes per record, or nothing."""
    if name == "f1_strict":
        return numbers.poisson(1.0, n_records)
    return numbers.choice(len(_CLASS_SHARES), n_records, p=_CLASS_SHARES)


def counts_of(numbers: Numbers, name: str, gold_N: Any, chance_SN: Any) -> list[Any]:
    """Return what the metric counts of each record, per seed, (N, X)."""
    right_SN = numbers.random(chance_SN.shape) < chance_SN
    if name == "accuracy":
        return [np.stack([row, np.ones_like(row)], axis=1).astype(float) for row in right_SN]
    if name == "f1_strict":
        found_SN = numbers.binomial(gold_N, chance_SN)
        spurious_SN = numbers.poisson(1 - chance_SN)
        return [
            np.stack([found, found + extra, gold_N], axis=1).astype(float)
            for found, extra in zip(found_SN, spurious_SN, strict=True)
        ]
    classes, one = len(_CLASS_SHARES), np.eye(len(_CLASS_SHARES))
    other_SN = (gold_N + numbers.integers(1, classes, right_SN.shape)) % classes
    guess_SN = np.where(right_SN, gold_N, other_SN)
    gold_NC = one[gold_N]
    return [
        np.stack([gold_NC * one[guess], one[guess], gold_NC], axis=2).reshape(len(gold_N), -1)
        for guess in guess_SN
    ]


def scores(metric: Any, runs: list[Any]) -> Any:
    """Return the metric of each seed."""
    return np.array([float(metric.aggregate(run.sum(axis=0))) for run in runs])


def true_score(name: str, noise: tuple[float, ...], gain: float) -> float:
    """Return the score over many seeds and records."""
    numbers, metric = np.random.default_rng(1), _METRICS[name]
    total, parts = 0.0, 60
    for _ in range(parts):
        gold_N = test_set(numbers, name, 20_000)
        runs = counts_of(numbers, name, gold_N, chances(numbers, noise, (10, 20_000), gain))
        total += float(scores(metric, runs).mean())
    return total / parts


def trials_of(
    numbers: Numbers, name: str, noise: tuple[float, ...], shape: tuple[int, int], gain: float
) -> Iterator[tuple[float, Variance]]:
    """Yield differences of two models and their variances by the product, `_AT_ONCE` of them."""
    metric, all_runs = _METRICS[name], list[Any]()
    for _ in range(_AT_ONCE):
        gold_N = test_set(numbers, name, shape[1])
        for added in (0.0, gain):
            all_runs += counts_of(numbers, name, gold_N, chances(numbers, noise, shape, added))
    values_BX = bootstrap(metric, all_runs)  # equal draws for all, as for the models of a task
    values_X = scores(metric, all_runs)
    for number in range(_AT_ONCE):
        base = slice(2 * number * shape[0], (2 * number + 1) * shape[0])
        other = slice(base.stop, base.stop + shape[0])
        values_S = values_X[other] - values_X[base]
        side = values_S, values_BX[:, other] - values_BX[:, base]
        yield float(values_S.mean()), crossed_variance([side], shape[1])


def main() -> None:
    """Simulate, and print one JSON line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--trials", type=int, default=2000, help="of each cell with 200 records")
    parser.add_argument("--records", type=int, nargs="+", default=[200, 600, 2000, 5000])
    parser.add_argument("--gain-trials", type=int, default=500)
    given = parser.parse_args()
    numbers, started = np.random.default_rng(0), time.process_time()
    shown, held = defaultdict[str, list[bool]](list), defaultdict[str, list[bool]](list)
    gains: dict[str, dict[str, list[float]]] = {}
    for name, (noise, parts), n_seeds in product(_NAMES, _NOISE.items(), _SEEDS):
        regime = f"{name}, {n_seeds} seeds, {noise}"
        for n_records in given.records:
            # Larger test sets take longer and tell the same.
            wanted = max(_AT_ONCE, int(given.trials * min(1, (500 / n_records) ** 0.5)))
            for _ in range(-(-wanted // _AT_ONCE)):
                for difference, variance in trials_of(
                    numbers, name, parts, (n_seeds, n_records), 0.0
                ):
                    low, high = variance.interval(difference)
                    shown[regime].append(low > 0 or high < 0)
        print(regime, f"{100 * np.mean(shown[regime]):.2f} %", file=sys.stderr, flush=True)
    for name, (noise, parts) in product(_NAMES, _NOISE.items()):
        base = true_score(name, parts, 0.0)
        for gain in _GAINS[1:]:
            true, better, visible = true_score(name, parts, gain) - base, [], []
            for _ in range(-(-given.gain_trials // _AT_ONCE)):
                for difference, variance in trials_of(numbers, name, parts, (5, 600), gain):
                    low, high = variance.interval(difference)
                    held[f"{name}, 5 seeds, {noise}"].append(low <= true <= high)
                    better.append(low > 0)
                    visible.append(variance.visible())
            gains.setdefault(f"{name}, 5 seeds, 600 records, {noise}", {})[f"{100 * true:.2f}"] = [
                round(float(np.mean(better)), 3), round(100 * float(np.median(visible)), 2)
            ]  # fmt: skip
    rates = {regime: round(100 * float(np.mean(each)), 2) for regime, each in shown.items()}
    kept = {regime: round(100 * float(np.mean(each)), 2) for regime, each in held.items()}
    print(
        json.dumps(
            {
                "benchmark": "calibration",
                "trials": {regime: len(each) for regime, each in shown.items()},
                "false_positive_rate": rates,
                "lowest": min(rates.values()),
                "highest": max(rates.values()),
                "coverage": kept,
                "power": gains,
                "cpu_seconds": round(time.process_time() - started),
            }
        )
    )


if __name__ == "__main__":
    main()

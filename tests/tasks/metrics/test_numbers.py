from __future__ import annotations

import numpy as np
import pytest
from helpers.tasks import labelled
from scipy.stats import pearsonr, spearmanr
from sklearn.metrics import mean_squared_error, r2_score

from domainbert.plugin.domain import Prediction
from domainbert.report.statistics import bootstrap, records_of
from domainbert.tasks.metrics.score import primary_metric, score

TASK = labelled("regression")


def made(gold: object, guess: object) -> list[Prediction]:
    rows = zip(np.asarray(gold, float).tolist(), np.asarray(guess, float).tolist(), strict=True)
    return [Prediction((repr(g),), (repr(p),)) for g, p in rows]


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("shift", [0.0, 1e4, -1e4])
def test_scores_are_those_of_scipy_and_scikit_learn(scale: float, shift: float) -> None:
    random = np.random.default_rng(0)
    for size in (3, 10, 200):
        gold = (random.normal(size=size).round(1) + shift) * scale  # with ties
        guess = (gold / scale + random.normal(size=size)) * scale
        scores = score(TASK, made(gold, guess))
        assert list(scores) == ["pearson", "spearman", "r2", "mse"]
        assert scores["pearson"] == pytest.approx(pearsonr(gold, guess).statistic, abs=1e-9)
        assert scores["spearman"] == spearmanr(gold, guess).statistic
        assert scores["mse"] == pytest.approx(mean_squared_error(gold, guess), rel=1e-12)
        assert scores["r2"] == pytest.approx(r2_score(gold, guess), rel=1e-7, abs=1e-9)


def test_all_right_all_wrong_and_far_off() -> None:
    gold = [1.0, 2.0, 4.0]
    assert score(TASK, made(gold, gold)) == pytest.approx(
        {"pearson": 1, "spearman": 1, "r2": 1, "mse": 0}
    )
    assert score(TASK, made(gold, [-g for g in gold]))["pearson"] == pytest.approx(-1)
    far = score(TASK, made(gold, [g + 1e6 for g in gold]))
    assert (far["pearson"], far["spearman"]) == (pytest.approx(1), 1)
    assert (far["mse"], far["r2"]) == (
        pytest.approx(1e12),
        pytest.approx(r2_score(gold, [g + 1e6 for g in gold])),
    )


@pytest.mark.parametrize("guess", [[2.0, 2.0, 2.0], [0.1 + 0.2] * 3, [1e9] * 3])
def test_a_constant_prediction_has_no_correlation(guess: list[float]) -> None:
    scores = score(TASK, made([1.0, 2.0, 4.0], guess))
    assert (scores["pearson"], scores["spearman"]) == (0.0, 0.0)
    assert scores["r2"] == pytest.approx(r2_score([1.0, 2.0, 4.0], guess))
    assert score(TASK, made(guess, [1.0, 2.0, 4.0]))["r2"] == 0.0


def test_numbers_without_a_deviation_in_double_precision_are_constant() -> None:
    scores = score(TASK, made([1e-300, 2e-300, 3e-300], [1.0, 2.0, 4.0]))
    assert (scores["pearson"], scores["spearman"], scores["r2"]) == (0.0, 1.0, 0.0)


def test_the_bootstrap_gives_the_correlation_of_drawn_records() -> None:
    random = np.random.default_rng(1)
    gold, noise = random.normal(size=12), random.normal(size=(2, 12))
    runs = [made(gold, gold + each) for each in noise]
    metric = primary_metric(TASK)
    values_BS = bootstrap(metric, [records_of(metric, run) for run in runs])
    drawn = np.random.default_rng(0).integers(0, 12, (100, 12))
    for number, draw in enumerate(drawn[:50]):
        for side, each in enumerate(noise):
            expected = pearsonr(gold[draw], (gold + each)[draw]).statistic
            assert values_BS[number, side] == pytest.approx(expected, abs=1e-9)


def test_a_draw_of_one_record_has_no_correlation() -> None:
    metric = primary_metric(TASK)
    values_BS = bootstrap(metric, [records_of(metric, made([1, 2, 3], [1.1, 2.3, 2.9]))])
    drawn = np.random.default_rng(0).integers(0, 3, (100, 3))
    same = np.ptp(drawn, axis=1) == 0
    assert same.any()
    assert (values_BS[:100][same] == 0).all()
    assert (values_BS[:100][~same] > 0.9).all()

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domainbert.recipe.train import TrainSection
from domainbert.training.schedule import Schedule, learning_rate_at

SCHEDULES: list[Schedule] = ["linear", "constant", "cosine", "wsd"]


@pytest.mark.parametrize(
    ("schedule", "rates"),
    [
        ("linear", [0.5, 1, 1, 7 / 8, 6 / 8, 5 / 8, 4 / 8, 3 / 8, 2 / 8, 1 / 8]),
        ("constant", [0.5, 1, 1, 1, 1, 1, 1, 1, 1, 1]),
        # (1 + cos(k·π/8)) / 2 for k = 0 … 7
        (
            "cosine",
            [0.5, 1, 1, 0.961940, 0.853553, 0.691342, 0.5, 0.308658, 0.146447, 0.038060],
        ),
        # 1 minus √(k/4) for k = 0 … 3
        ("wsd", [0.5, 1, 1, 1, 1, 1, 1, 0.5, 0.292893, 0.133975]),
    ],
)
def test_schedule_by_hand(schedule: Schedule, rates: list[float]) -> None:
    found = [learning_rate_at(step, 10, 2e-4, 0.2, schedule, 0.4) for step in range(10)]
    assert found == pytest.approx([2e-4 * rate for rate in rates], rel=1e-4)


def test_without_warm_up_the_first_step_has_the_peak_rate() -> None:
    found = [learning_rate_at(step, 4, 1.0, 0.0, "linear") for step in range(4)]
    assert found == [1.0, 0.75, 0.5, 0.25]


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_one_step_has_the_peak_rate(schedule: Schedule) -> None:
    assert learning_rate_at(0, 1, 0.3, 0.06, schedule) == 0.3


@given(
    total=st.integers(1, 500),
    warmup=st.floats(0, 0.99),
    decay=st.floats(0.001, 0.999),
    schedule=st.sampled_from(SCHEDULES),
)
def test_rates_rise_then_never_rise_again_and_stay_within_the_peak(
    total: int, warmup: float, decay: float, schedule: Schedule
) -> None:
    rates = [learning_rate_at(step, total, 1.0, warmup, schedule, decay) for step in range(total)]
    warm = round(warmup * total)
    assert rates[:warm] == sorted(rates[:warm])
    assert rates[warm:] == sorted(rates[warm:], reverse=True)
    assert min(rates) > 0
    assert max(rates) == 1.0


@given(total=st.integers(2, 500), warmup=st.floats(0, 0.4), decay=st.floats(0.01, 0.5))
def test_the_last_step_is_one_step_before_zero(total: int, warmup: float, decay: float) -> None:
    warm, falling = round(warmup * total), round(decay * total)
    last = {
        schedule: learning_rate_at(total - 1, total, 1.0, warmup, schedule, decay)
        for schedule in SCHEDULES
    }
    before_zero = (total - warm - 1) / (total - warm)
    assert last["linear"] == pytest.approx(1 / (total - warm))
    assert last["cosine"] == pytest.approx((1 + math.cos(math.pi * before_zero)) / 2)
    assert last["constant"] == 1.0
    expected = 1 - math.sqrt((falling - 1) / falling) if falling else 1.0
    assert last["wsd"] == pytest.approx(expected)


def test_a_stable_run_that_is_prolonged_shares_all_steps_before_its_decay() -> None:
    short = [learning_rate_at(step, 100, 1.0, 0.1, "wsd", 0.2) for step in range(80)]
    long = [learning_rate_at(step, 200, 1.0, 0.05, "wsd", 0.1) for step in range(180)]
    assert short == long[:80]
    assert long[80:] == [1.0] * 100


def test_warm_up_and_decay_must_fit_into_the_steps() -> None:
    with pytest.raises(ValueError, match="at most 1 in all"):
        TrainSection(steps=10, lr_scheduler="wsd", warmup_ratio=0.6, decay=0.5)
    assert (
        TrainSection(steps=10, lr_scheduler="linear", warmup_ratio=0.6, decay=0.5).warmup_ratio
        == 0.6
    )

"""Which steps are refused."""

from __future__ import annotations

import math
from contextlib import nullcontext

import pytest

from domainbert.training.checkpoint import TrainState
from domainbert.training.recovery import WINDOW, check_loss, forget_losses, remember_loss
from domainbert.training.step import BadStep, check_finite

# Median 2.0, median absolute deviation 0.1.
CALM = [1.8, 1.9, 2.0, 2.1, 2.2, 2.0, 1.9, 2.1] * (WINDOW // 8)
# Median 3.0, median absolute deviation 1.0, as with a handful of masked tokens a step.
NOISY = [1.0, 2.0, 3.0, 4.0, 5.0, 3.0, 2.0, 4.0] * (WINDOW // 8)


def after(losses: list[float]) -> TrainState:
    state = TrainState(0, 0, 0.0, {})
    for loss in losses:
        state = remember_loss(state, loss)
    return state


@pytest.mark.parametrize(
    ("loss", "before", "spike", "expected"),
    [
        (4.9, CALM, 3.0, False),
        (5.1, CALM, 3.0, True),
        (5.1, CALM, 3.2, False),
        (5.1, CALM, None, False),
        (99.0, CALM[1:], 3.0, False),  # one loss short of a window
        (0.0, CALM, 0.5, False),
        (2.85, CALM, 0.5, False),  # six deviations of 0.148 are 0.89
        (2.95, CALM, 0.5, True),
        (11.8, NOISY, 3.0, False),  # six deviations of 1.48 are 8.9
        (12.0, NOISY, 3.0, True),
        (5.1, [*NOISY, *CALM], 3.0, True),
        (5.1, [*CALM, *NOISY], 3.0, False),  # noisy now
        (5.1, [*CALM, *([4.0] * 99)], 3.0, True),  # compared with the best there was
    ],
)
def test_a_spike_leaves_the_median_by_the_threshold_and_by_six_deviations(
    loss: float, before: list[float], spike: float | None, expected: bool
) -> None:
    with pytest.raises(BadStep) if expected else nullcontext():
        check_loss(7, loss, after(before), spike)


def test_the_step_is_named_with_the_loss_and_the_median() -> None:
    with pytest.raises(BadStep) as told:
        check_loss(7, 5.5, after(CALM), 3.0)
    assert str(told.value) == "step 7: loss 5.50, while the lowest median of 64 steps is 2.00"


def test_the_newest_losses_of_a_phase_are_remembered() -> None:
    state = after([float(number) for number in range(100)])
    assert state.recent == [float(number) for number in range(36, 100)]
    assert state.lowest_median == 31.5
    assert forget_losses(state) == after([])


@pytest.mark.parametrize(
    ("loss", "norm"), [(math.nan, 1.0), (math.inf, 1.0), (1.0, math.nan), (1.0, math.inf)]
)
def test_a_step_that_is_not_finite_is_refused(loss: float, norm: float) -> None:
    check_finite(3, 1e30, 1e30)
    with pytest.raises(BadStep) as told:
        check_finite(3, loss, norm)
    assert told.value.step == 3
    assert told.value.reason == (
        f"the loss or its gradient is not finite (loss {loss}, gradient norm {norm})"
    )

"""Which steps are refused, and which checkpoint a run goes on from."""

from __future__ import annotations

from contextlib import nullcontext

import pytest

from domainbert.training.checkpoint import TrainState
from domainbert.training.recovery import (
    WINDOW,
    check_loss,
    forget_losses,
    remember_loss,
)
from domainbert.training.step import BadStep

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
        (5.1, CALM, None, False),
        (99.0, CALM[1:], 3.0, False),  # one loss short of a window
        (2.85, CALM, 0.5, False),  # six deviations of 0.148 are 0.89
        (2.95, CALM, 0.5, True),
        (5.1, [*CALM, *NOISY], 3.0, False),  # noisy now
        (5.1, [*CALM, *([4.0] * 99)], 3.0, True),  # compared with the best there was
    ],
)
def test_a_spike_leaves_the_median_by_the_threshold_and_by_six_deviations(
    loss: float, before: list[float], spike: float | None, expected: bool
) -> None:
    named = rf"^step 7: loss {loss:.2f}, while the lowest median of 64 steps is \d"
    with pytest.raises(BadStep, match=named) if expected else nullcontext():
        check_loss(7, loss, after(before), spike)


def test_the_newest_losses_of_a_phase_are_remembered() -> None:
    state = after([float(number) for number in range(100)])
    assert state.recent == [float(number) for number in range(36, 100)]
    assert state.lowest_median == 31.5
    assert forget_losses(state) == after([])

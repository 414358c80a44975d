"""Which steps are refused, and which checkpoint a run goes on from."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from domainbert.run.session import Session
from domainbert.training import checkpoint, distributed
from domainbert.training.checkpoint import TrainState
from domainbert.training.recovery import (
    WINDOW,
    check_loss,
    forget_losses,
    newest_whole,
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
    named = rf"^step 7: loss {loss:.2f}, while the lowest median of 64 steps is \d"
    with pytest.raises(BadStep, match=named) if expected else nullcontext():
        check_loss(7, loss, after(before), spike)


def test_the_newest_losses_of_a_phase_are_remembered() -> None:
    state = after([float(number) for number in range(100)])
    assert state.recent == [float(number) for number in range(36, 100)]
    assert state.lowest_median == 31.5
    assert forget_losses(state) == after([])


@pytest.mark.parametrize("is_main", [True, False])
def test_only_the_main_process_looks_for_checkpoints(
    session: Session, monkeypatch: pytest.MonkeyPatch, is_main: bool
) -> None:
    searched: list[Path] = []
    answers = [None, Path("step-00000040")]  # no trouble, and what the main process found

    def look(folder: Path) -> tuple[Path, list[Any]]:
        searched.append(folder)
        return Path("step-00000040"), []

    def send(values: list[Any]) -> None:
        values[0] = answers.pop(0)

    monkeypatch.setattr(checkpoint, "newest_checkpoint", look)
    monkeypatch.setattr(distributed, "broadcast_object_list", send)
    group: Any = SimpleNamespace(num_processes=2, is_main_process=is_main)
    assert newest_whole(replace(session, accelerator=group)) == Path("step-00000040")
    assert searched == [session.run.checkpoints] * is_main

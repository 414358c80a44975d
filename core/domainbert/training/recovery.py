"""When training goes wrong: back to the last checkpoint, and past the batch that did it.

A step is wrong if its loss, its gradient or the weights after it are not finite, or if its loss
stands far above those before. The numbers that decide are sums over all processes, so all of them
decide alike. A batch that is skipped keeps its place: the steps after it have the batches, masks
and rates that they would have had, and a resumed run skips what the first one did.
"""

from __future__ import annotations

import statistics
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from domainbert.errors import RunFailed
from domainbert.run.metrics import rewind_metrics
from domainbert.training.checkpoint import TrainState, checkpoint_of, load_model, read_state
from domainbert.training.resume import newest_whole_step
from domainbert.training.step import BadStep

if TYPE_CHECKING:
    from domainbert.training.step import Job

# Losses that a step is compared with. Fewer, and chance would decide.
WINDOW = 64
# A spike has to leave this many standard deviations too: small batches are noisy by themselves.
_DEVIATIONS = 6.0
# Of a normal distribution: standard deviation ÷ median absolute deviation.
_NORMAL = 1.4826


def remember_loss(state: TrainState, loss: float) -> TrainState:
    """Return the state with the loss of a step that counts."""
    recent = [*state.recent, loss][-WINDOW:]
    lowest = state.lowest_median
    if len(recent) == WINDOW:
        middle = statistics.median(recent)
        lowest = middle if lowest is None else min(lowest, middle)
    return replace(state, recent=recent, lowest_median=lowest)


def forget_losses(state: TrainState) -> TrainState:
    """Return the state at the beginning of a phase; losses of another one say nothing."""
    return replace(state, recent=[], lowest_median=None)


def check_loss(step: int, loss: float, state: TrainState, spike: float | None) -> None:
    """Refuse a step whose loss stands out.

    It is compared with the lowest median so far, since a median that follows would miss a slow
    divergence. Nothing is a spike until a first window is full: losses fall fast at the beginning.

    Args:
        step: From 1.
        loss: Of the step, in nats per masked token.
        state: Knows the losses of the phase before it.
        spike: Nats from which a loss stands out; None for never.

    Raises:
        BadStep: The loss is a spike.
    """
    if spike is None or state.lowest_median is None:
        return
    middle = statistics.median(state.recent)
    spread = _NORMAL * statistics.median(abs(value - middle) for value in state.recent)
    if loss - state.lowest_median > max(spike, _DEVIATIONS * spread):
        usual = f"the lowest median of {WINDOW} steps is {state.lowest_median:.2f}"
        raise BadStep(step, f"loss {loss:.2f}, while {usual}")


def roll_back(job: Job, start: int, state: TrainState, bad: BadStep) -> tuple[TrainState, Path]:
    """Load the newest whole checkpoint, and mark the step that went wrong as skipped.

    Args:
        job: The run.
        start: First step of the phase.
        state: Where this attempt at the phase began; knows the steps skipped so far.
        bad: What went wrong.

    Returns:
        Where training stands again, and the checkpoint it stands on.

    Raises:
        RunFailed: It went wrong too often, or no checkpoint of this phase is whole.
    """
    session = job.session
    at = newest_whole_step(session)
    if at < start:
        raise RunFailed(f"{bad}, and no checkpoint of this phase is whole. Run the command again.")
    checkpoint = checkpoint_of(session.run.checkpoints, at)
    restored = read_state(checkpoint, state.identity)
    skipped = {**state.skipped, str(bad.step): bad.reason}
    if len(skipped) > job.settings.max_rollbacks:
        earlier = ", ".join(sorted(state.skipped, key=int))
        raise RunFailed(
            f"{bad}.{f' Steps skipped before: {earlier}.' if earlier else ''} Training goes wrong "
            "again and again, so it was stopped; the last checkpoint, of step "
            f"{restored.step}, is whole. Lower `train.learning_rate`, lengthen "
            "`train.warmup_ratio` or set `train.precision: fp32`, and use another --out."
        )
    load_model(checkpoint, job.model)
    if session.is_main:
        rewind_metrics(session.run, restored.step)
    session.reporter.say(
        f"{bad}. Back to step {restored.step}; the batch of step {bad.step} is skipped "
        f"({len(skipped)} of at most {job.settings.max_rollbacks})"
    )
    return replace(restored, skipped=skipped), checkpoint

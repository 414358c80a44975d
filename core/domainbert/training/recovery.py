"""Where training goes on: the newest whole checkpoint, and past a batch that went wrong.

A step is wrong if its loss, its gradient or the weights after it are not finite, or if its loss
stands far above those before. The numbers that decide are sums over all processes, so all of them
decide alike. A batch that is skipped keeps its place: the steps after it have the batches, masks
and rates that they would have had, and a resumed run skips what the first one did.
"""

from __future__ import annotations

import statistics
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from domainbert.errors import RunFailed
from domainbert.run.environment import environment_fingerprint
from domainbert.run.folder import read_lock, update_lock
from domainbert.run.metrics import rewind_metrics
from domainbert.storage.files import read_json_with_hash
from domainbert.training import checkpoint as checkpoints
from domainbert.training.checkpoint import TrainState
from domainbert.training.distributed import run_on_main
from domainbert.training.step import BadStep

if TYPE_CHECKING:
    from domainbert.run.session import Session
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


def resume(job: Job, start: TrainState, stop: int) -> tuple[TrainState, Path | None]:
    """Load the newest whole checkpoint into the model, and cut the metrics back to it.

    Args:
        job: The run.
        start: Where training stands without a checkpoint; its identity has to be the checkpoint's.
        stop: Last step; at it nothing is left to continue, and nothing is said.

    Returns:
        Where training stands, and the checkpoint; None if there is none.

    Raises:
        RunFolderError: The checkpoint belongs to another stage.
    """
    session = job.session
    checkpoint, state = newest_whole(session), start
    if checkpoint is not None:
        state = checkpoints.read_state(checkpoint, start.identity)
        checkpoints.load_model(checkpoint, job.model)
        if state.step < stop:
            _report(job, checkpoint, state.step)
    if session.is_main:
        rewind_metrics(session.run, state.step if checkpoint else -1)
    return state, checkpoint


def roll_back(job: Job, start: int, state: TrainState, bad: BadStep) -> tuple[TrainState, Path]:
    """Load the newest whole checkpoint, and mark the step that went wrong as skipped.

    Args:
        job: The run.
        start: First step of the phase.
        state: Where this attempt at the phase began; knows the steps skipped so far.
        bad: What went wrong.

    Returns:
        Where training stands again, and the checkpoint with that state.

    Raises:
        RunFailed: It went wrong too often, or no checkpoint of this phase is whole.
    """
    skipped, most = {**state.skipped, str(bad.step): bad.reason}, job.settings.max_rollbacks
    if len(skipped) > most:
        earlier = ", ".join(sorted(state.skipped, key=int))
        raise RunFailed(
            f"{bad}.{f' Steps skipped before: {earlier}.' if earlier else ''} Training goes wrong "
            "again and again, so it was stopped; the last checkpoint is whole. Lower "
            "`train.learning_rate`, lengthen `train.warmup_ratio` or set `train.precision: fp32`, "
            "and use another --out."
        )
    restored, checkpoint = resume(job, state, 0)
    if checkpoint is None or restored.step < start:
        raise RunFailed(f"{bad}, and no checkpoint of this phase is whole. Run the command again.")
    job.session.reporter.say(
        f"{bad}. Back to step {restored.step}; the batch of step {bad.step} is skipped "
        f"({len(skipped)} of at most {most})"
    )
    return replace(restored, skipped=skipped), checkpoint


def newest_whole(session: Session) -> Path | None:
    """Return the newest whole checkpoint; the main process looks for all, and puts damaged aside.

    It alone reads files to compare their hashes, and no rank can come to another answer.

    Raises:
        RunFolderError: In all processes; a checkpoint is of another version.
    """

    def choose() -> Path | None:
        path, damaged = checkpoints.newest_checkpoint(session.run.checkpoints)
        start = "and no older one is whole: training starts from the beginning"
        instead, lines = "using the one before" if path else start, []
        for bad, trouble in damaged:
            aside = f".quarantine-{bad.name}-{time.time_ns()}"
            with suppress(OSError):  # a folder that may only be read is passed over all the same
                bad.rename(bad.with_name(aside))
                trouble += f"; now {aside}"
            lines.append(f"{bad.name}: {trouble}, {instead}")
            session.reporter.say(f"checkpoint {lines[-1]}")
        _keep(session, "damaged", lines)
        return path

    path: Path | None = run_on_main(session.accelerator, choose)
    return path


def _report(job: Job, checkpoint: Path, step: int) -> None:
    """Say, and keep in the lock, whether the bits or only the order of the run are kept."""
    before = read_json_with_hash(checkpoint / checkpoints.MANIFEST)["environment"]
    now = environment_fingerprint(job.model)
    changed = [f"{k} {before.get(k)} → {now[k]}" for k in now if before.get(k) != now[k]]
    if now["device"] != "cpu":
        changed.append("sums on a GPU have no fixed order")
    exactness = f"order-exact: {', '.join(changed)}" if changed else "bit-exact"
    job.session.reporter.say(f"continuing after step {step}, {exactness}")
    if job.session.is_main:
        _keep(job.session, "continued", [{"step": step, "exactness": exactness}])


def _keep(session: Session, key: str, entries: list[Any]) -> None:
    """Add to a list in the lock, if the folder has one."""
    run = session.run
    if entries and run.lock.is_file():
        update_lock(run, **{key: [*read_lock(run).get(key, []), *entries]})

"""Where a run continues: the newest whole checkpoint, chosen by one process for all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from domainbert.run.environment import environment_fingerprint
from domainbert.run.folder import read_lock, update_lock
from domainbert.run.metrics import rewind_metrics
from domainbert.training.checkpoint import (
    TrainState,
    checkpoint_of,
    choose_checkpoint,
    load_model,
    read_environment,
    read_state,
)
from domainbert.training.distributed import broadcast_from_main, run_on_main

if TYPE_CHECKING:
    from domainbert.run.session import Session
    from domainbert.training.step import Job


def resume(job: Job, start: TrainState, stop: int) -> tuple[TrainState, Path | None]:
    """Load the newest whole checkpoint into the model, and cut the metrics back to it.

    Args:
        job: The run.
        start: Where training stands without a checkpoint; its key is compared with a checkpoint's.
        stop: Last step; at it nothing is left to continue, and nothing is said.

    Returns:
        Where training stands, and the checkpoint; None if there is none.

    Raises:
        RunFolderError: The checkpoint belongs to another stage.
    """
    session = job.session
    step = newest_whole_step(session)
    if step < 0:
        checkpoint, state = None, start
    else:
        checkpoint = checkpoint_of(session.run.checkpoints, step)
        state = read_state(checkpoint, start.identity)
        load_model(checkpoint, job.model)
        if step < stop:
            _tell(job, checkpoint, step)
    if session.is_main:
        rewind_metrics(session.run, state.step if checkpoint else -1)
    return state, checkpoint


def newest_whole_step(session: Session) -> int:
    """Return the step of the newest whole checkpoint, or -1; the main process looks for all.

    It alone reads files to compare their hashes, and no rank can come to another answer.

    Raises:
        RunFolderError: In all processes; a checkpoint is of another version.
    """
    chosen = [-1]

    def choose() -> None:
        chosen[0], damaged = choose_checkpoint(session.run.checkpoints)
        for line in damaged:
            session.reporter.say(f"checkpoint {line}")
        _keep(session, "damaged", damaged)

    run_on_main(session.accelerator, choose)
    return broadcast_from_main(session.accelerator, chosen[0])


def _tell(job: Job, checkpoint: Path, step: int) -> None:
    """Say, and keep in the lock, whether the bits or only the order of the run are kept."""
    before, now = read_environment(checkpoint), environment_fingerprint(job.model)
    changed = [
        f"{key} {before.get(key)} → {value}"
        for key, value in now.items()
        if before.get(key) != value
    ]
    if now["device"] != "cpu":
        changed.append("sums on a GPU have no fixed order")
    exactness = f"order-exact: {', '.join(changed)}" if changed else "bit-exact"
    job.session.reporter.say(f"continuing after step {step}, {exactness}")
    if job.session.is_main:
        _keep(job.session, "continued", [{"step": step, "exactness": exactness}])


def _keep(session: Session, key: str, entries: list[Any]) -> None:
    """Add to a list in the lock; a folder inside a run has none."""
    run = session.run
    if entries and run.lock.is_file():
        update_lock(run, **{key: [*read_lock(run).get(key, []), *entries]})

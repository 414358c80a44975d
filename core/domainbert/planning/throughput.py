"""How fast a run is, by a few timed steps; and how many steps a budget in minutes is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import torch

from domainbert.errors import RunFailed
from domainbert.storage.files import read_json, write_json
from domainbert.training.distributed import all_reduce_max
from domainbert.training.loop import learning
from domainbert.training.phases import count_steps
from domainbert.training.step import BadStep, Job, train_step

# The first steps prepare kernels and memory. Then steps are timed until there is enough to go by.
_UNTIMED = 2
_FEWEST, _MOST = 3, 12
_ENOUGH_SECONDS = 10.0
_PLAN = "plan.json"


@dataclass(frozen=True)
class Throughput:
    """What timed steps showed.

    Args:
        seconds_per_token: Median over the steps; of the slowest process, over all tokens.
        steps: How many were timed.
    """

    seconds_per_token: float
    steps: int


def corpus_size(job: Job) -> tuple[int, int]:
    """Return sequences and tokens of one epoch, special tokens included."""
    specials, n_sequences = job.masking.specials, job.index.n_sequences
    framing = len(specials.prefix) + len(specials.suffix)
    if job.settings.sentence_pairs != "none":
        framing += len(specials.between or ())
    return n_sequences, job.index.n_tokens + framing * n_sequences


def plan_steps(job: Job, first: int, folder: Path) -> int:
    """Return the steps of the full phase, timing a few steps first if the budget is in minutes.

    The number is kept in the stage's folder: a continued run has the steps it began with, on any
    machine. The timed steps leave the model as it was.

    Args:
        job: The run.
        first: First step of the phase.
        folder: Of the stage.
    """
    settings, path = job.settings, folder / _PLAN
    if settings.minutes is None:
        return count_steps(settings, corpus_size(job), first)
    planned = planned_steps(folder)
    if planned is not None:
        return planned
    with restored(job.model):
        throughput = measure_throughput(job, "full")
    steps = count_steps(settings, corpus_size(job), first, throughput.seconds_per_token)
    if job.session.is_main:
        write_json(path, {**asdict(throughput), "timed_steps": throughput.steps, "steps": steps})
    job.session.accelerator.wait_for_everyone()
    job.session.reporter.say(
        f"{settings.minutes:g} minutes are {steps:,} steps, by {throughput.steps} timed steps; "
        f"{_PLAN} keeps this"
    )
    return steps


def planned_steps(folder: Path) -> int | None:
    """Return the steps that a stage with a budget in minutes was planned to have."""
    path = folder / _PLAN
    return int(read_json(path)["steps"]) if path.is_file() else None


def measure_throughput(job: Job, phase_name: str) -> Throughput:
    """Time steps on real batches of full size.

    The rate is zero, so that no step can spoil the next.

    Args:
        job: The run; what was in the parameters' gradients is lost.
        phase_name: `head` or `full`.

    Raises:
        RunFailed: The loss is never finite.
    """
    with learning(job, phase_name) as (learner, optimizer, module):
        taken = _timed(learner, optimizer, module)
        optimizer.zero_grad(set_to_none=True)
    return Throughput(median(taken), len(taken))


def _timed(job: Job, optimizer: torch.optim.AdamW, module: Any) -> list[float]:
    """Return seconds for each token, by step."""
    ramp = job.settings.batch_ramp
    first = ramp.steps if ramp else 0
    taken: list[float] = []
    spent = 0.0
    for step in range(first, first + _UNTIMED + _MOST):
        job.session.check_stop()
        started = time.perf_counter()
        try:
            _, tokens, _ = train_step(job, module, optimizer, step, 0.0)
        except BadStep:
            continue  # the run itself will meet it, say so and go past it
        # The same number in every process, so that all stop timing with the same step.
        seconds = all_reduce_max(job.session.accelerator, time.perf_counter() - started)
        if step - first < _UNTIMED:
            continue
        taken.append(seconds / tokens)
        spent += seconds
        if len(taken) >= _FEWEST and spent >= _ENOUGH_SECONDS:
            break
    if not taken:
        raise RunFailed(
            f"no loss of {_UNTIMED + _MOST} timed steps is finite, so nothing could be timed. Give "
            "`train.steps`, or look at base and corpus."
        )
    return taken


@contextmanager
def restored(model: Any) -> Iterator[None]:
    """Put every bit of the parameters back when the block ends.

    Even a rate of zero is not enough: adding zero turns -0 into 0.
    """
    kept = {name: value.detach().to("cpu", copy=True) for name, value in model.named_parameters()}
    try:
        yield
    finally:
        with torch.no_grad():
            for name, value in model.named_parameters():
                value.copy_(kept[name])

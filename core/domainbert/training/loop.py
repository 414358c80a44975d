"""The training loop: one phase from step to step, with metrics, checkpoints and signals."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch

from domainbert.model.layers import depths, frozen, lowest_unfrozen, rate_scales
from domainbert.model.masked_lm import first_non_finite, head_parameters, set_dropout
from domainbert.run.environment import environment_fingerprint
from domainbert.run.heartbeat import heartbeat
from domainbert.run.metrics import append_metrics, sync_metrics
from domainbert.run.progress import Bar
from domainbert.training.checkpoint import (
    TrainState,
    checkpoint_tensors,
    checkpoints_in,
    save_checkpoint,
)
from domainbert.training.distributed import (
    all_reduce_max,
    broadcast_from_main,
    fail_together,
    run_on_main,
)
from domainbert.training.memory import naming_batch
from domainbert.training.phases import Phase
from domainbert.training.recovery import check_loss, forget_losses, remember_loss
from domainbert.training.schedule import build_optimizer, learning_rate_at
from domainbert.training.step import (
    BadStep,
    Job,
    StepSums,
    mean_of,
    train_step,
    warm_up_ddp_buckets,
    with_mlm_probability,
)
from domainbert.training.trackers import track
from domainbert.training.wrap import wrapped

# Above the number of any signal.
_UNWRITTEN = 1 << 10


def run_phase(job: Job, phase: Phase, state: TrainState, optimizer_from: Any = None) -> TrainState:
    """Train from `state` to the end of a phase, writing metrics and checkpoints.

    Args:
        job: The run.
        phase: Which parameters learn, how long and how fast.
        state: Where training stands.
        optimizer_from: Called with model and new optimizer to restore its averages on resume.

    Raises:
        BadStep: Loss, gradient or weights went wrong; nothing of it was written.
        Stopped: A signal arrived; a checkpoint was written.
        StorageFullError: No space for a checkpoint; the one before is whole.
    """
    with learning(job, phase.name) as (learner, optimizer, module):
        if optimizer_from is not None:
            optimizer_from(learner.model, optimizer)
        return _run(learner, phase, state, optimizer, module)


def _run(
    job: Job, phase: Phase, state: TrainState, optimizer: torch.optim.AdamW, module: Any
) -> TrainState:
    depth, settings = depths(job.model), job.settings
    warm_up_ddp_buckets(job, module, state.step)
    with job.session.reporter.bar(f"training ({phase.name})", phase.steps) as bar:
        first = state = _begin(job, phase, state, optimizer)
        for step in range(state.step, phase.stop):
            heartbeat(f"step {step + 1}")
            entry: dict[str, Any] | None = None
            if str(step + 1) in state.skipped:
                state, entry = _pass_over(job, phase, state)
                _finish_step(job, phase, state, optimizer, entry)
                continue
            started = time.perf_counter()
            rate = learning_rate_at(
                step - phase.start, phase.steps, phase.learning_rate,
                settings.warmup_ratio, settings.lr_scheduler, settings.decay,
            )  # fmt: skip
            now, still = with_mlm_probability(job, phase, step), _frozen_in(job, phase, depth, step)
            sums = train_step(now, module, optimizer, step, rate, still)
            loss = mean_of(sums.losses, job.objectives[0].name)
            check_loss(step + 1, loss, state, settings.spike)
            state = _advance(remember_loss(state, loss), sums, time.perf_counter() - started)
            if state.step % settings.logging_steps == 0 or state.step == phase.stop:
                entry = {"gradient_norm": sums.gradient_norm, "learning_rate": rate}
                state, entry = _log(job, phase, state, first, bar, entry)
            _finish_step(job, phase, state, optimizer, entry)
    return state


@contextmanager
def learning(job: Job, phase_name: str) -> Iterator[tuple[Job, torch.optim.AdamW, Any]]:
    """Yield the job with the model as it learns, a new optimizer, and the module that is called.

    Args:
        job: The run; its own model has learned what this one did when the block ends.
        phase_name: `head` or `full`.
    """
    settings, depth = job.settings, depths(job.model)
    set_dropout(job.model, settings.dropout)
    # Before: processes agree on what they exchange when the model is wrapped.
    select_parameters(job.model, phase_name, frozen(settings, depth))
    with naming_batch(settings), wrapped(job) as (model, module):
        scales = rate_scales(depth, settings.layerwise_lr_decay)
        device = job.session.accelerator.device
        optimizer = build_optimizer(
            model, settings.adam_betas, settings.weight_decay, device, scales
        )
        model.train()
        yield replace(job, model=model), optimizer, module


def select_parameters(model: Any, phase_name: str, frozen: Collection[str] = ()) -> None:
    """Let all parameters learn, or only those outside the encoder; `frozen` never do."""
    head = set(head_parameters(model))
    for name, parameter in model.named_parameters():
        parameter.requires_grad_((phase_name == "full" or name in head) and name not in frozen)


def _frozen_in(
    job: Job, phase: Phase, depth: dict[str, int], step: int
) -> list[torch.nn.Parameter]:
    """Return the parameters of the phase that are still frozen in a step."""
    if job.settings.unfreeze == "all":
        return []
    learning = {name: p for name, p in job.model.named_parameters() if p.requires_grad}
    places = {name: depth[name] for name in learning}
    lowest = lowest_unfrozen(places, step - phase.start, phase.steps)
    return [p for name, p in learning.items() if places[name] < lowest]


def _begin(
    job: Job, phase: Phase, state: TrainState, optimizer: torch.optim.Optimizer
) -> TrainState:
    """Make sure that there is something to go back to."""
    # Asked by one: it may have written the first checkpoint before another looks.
    missing = not checkpoints_in(job.session.run.checkpoints)
    if broadcast_from_main(job.session.accelerator, int(missing)):
        _save(job, state, optimizer)
    return state if state.step > phase.start else forget_losses(state)


def _pass_over(job: Job, phase: Phase, state: TrainState) -> tuple[TrainState, dict[str, Any]]:
    """Leave the batch of a step out; its place in schedule and order stays."""
    number = state.step + 1
    entry = {"step": number, "phase": phase.name, "skipped": state.skipped[str(number)]}
    state = replace(state, step=number)
    if number < phase.stop:
        return state, entry
    # No later line of the phase can average the losses since the last, and another's must not.
    return replace(state, window={}), entry | _means(job, state)


def _advance(state: TrainState, sums: StepSums, seconds: float) -> TrainState:
    before = dict.fromkeys(sums.losses, (0.0, 0)) | state.window
    window = {
        name: (before[name][0] + total, before[name][1] + count)
        for name, (total, count) in sums.losses.items()
    }
    return replace(
        state,
        step=state.step + 1,
        tokens=state.tokens + sums.tokens,
        seconds=state.seconds + seconds,
        window=window,
    )


def _means(job: Job, state: TrainState) -> dict[str, float]:
    """Return the means since the last metrics line, by metrics key, of what has any term."""
    return {
        objective.metrics_key: mean_of(state.window, objective.name)
        for objective in job.objectives
        if objective.name in state.window and state.window[objective.name][1]
    }


def _log(
    job: Job, phase: Phase, state: TrainState, first: TrainState, bar: Bar, entry: dict[str, Any]
) -> tuple[TrainState, dict[str, Any]]:
    means, seconds = _means(job, state), state.seconds - first.seconds
    speed = (state.tokens - first.tokens) / seconds
    entry |= {"step": state.step, "phase": phase.name, "tokens": state.tokens, **means}
    left = (phase.stop - state.step) / (state.step - first.step) * seconds
    done = state.step - phase.start
    note = f"loss {means['loss']:.3f} · {speed:,.0f} tokens/s"
    bar.update(done, note, f"{phase.name} {done}/{phase.steps} · {note} · {left:.0f} s left")
    state = replace(state, window={}, losses=means)
    return state, entry | {"tokens_per_second": round(speed, 1)}


def _finish_step(
    job: Job,
    phase: Phase,
    state: TrainState,
    optimizer: torch.optim.Optimizer,
    entry: dict[str, Any] | None,
) -> None:
    """Write the line of a step, if it has one, and a checkpoint, if it is time; stop if told to."""
    trouble = _trouble_writing(job, entry) if entry is not None else None
    # One process may be told to stop, or fail to write, and the others not; they must agree.
    accelerator = job.session.accelerator
    mine = _UNWRITTEN if trouble else job.session.stop.signal_number
    received = int(all_reduce_max(accelerator, mine))
    if received == _UNWRITTEN:
        fail_together(accelerator, trouble)
    due = state.step % job.settings.save_steps == 0 or state.step == phase.stop
    if not (due or received):
        return
    if all_reduce_max(accelerator, first_non_finite(job.model) is not None):
        raise BadStep(state.step, "it made a weight that is not finite")
    _save(job, state, optimizer)
    if received:
        job.session.raise_stopped(received, f"a checkpoint of step {state.step} was written")


def _save(job: Job, state: TrainState, optimizer: torch.optim.Optimizer) -> None:
    run, settings, say = job.session.run, job.settings, job.session.reporter.say
    # Here: every process gives its part of the weights, whatever fails in the main one.
    tensors = checkpoint_tensors(job.model, optimizer)

    def save() -> None:
        job.store.check_unchanged()  # nothing is kept that was learned from changed tokens
        sync_metrics(run)  # no checkpoint is ahead of them
        environment = environment_fingerprint(job.model)
        save_checkpoint(
            run.checkpoints, tensors, state, environment, settings.save_total_limit, say
        )

    run_on_main(job.session.accelerator, save)


def _trouble_writing(job: Job, entry: dict[str, Any]) -> Exception | None:
    if job.session.is_main:
        try:
            append_metrics(job.session.run, entry)
            track(job.session, entry)
        except Exception as error:
            return error
    return None

"""The training loop: one phase from step to step, with metrics, checkpoints and signals."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import torch

from domainbert.model.layers import depths, frozen, lowest_awake, rate_scales
from domainbert.model.masked_lm import first_non_finite, head_parameters, set_dropout
from domainbert.run.heartbeat import heartbeat
from domainbert.run.metrics import append_metrics, sync_metrics
from domainbert.run.progress import Bar
from domainbert.training.checkpoint import (
    TrainState,
    checkpoints_in,
    gather_for_others,
    save_checkpoint,
)
from domainbert.training.distributed import (
    all_reduce_max,
    broadcast_from_main,
    fail_together,
    run_on_main,
)
from domainbert.training.phases import Phase
from domainbert.training.recovery import check_loss, forget_losses, remember_loss
from domainbert.training.schedule import build_optimizer, learning_rate_at
from domainbert.training.step import (
    BadStep,
    Job,
    StepSums,
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
    depth = depths(job.model)
    warm_up_ddp_buckets(job, module, state.step)
    with job.session.reporter.bar(f"training ({phase.name})", phase.steps) as bar:
        first = state = _begin(job, phase, state, optimizer)
        for step in range(state.step, phase.stop):
            heartbeat(f"step {step + 1}")
            entry: dict[str, Any] | None = None
            if str(step + 1) in state.skipped:
                state, entry = _pass_over(phase, state)
                _finish_step(job, phase, state, optimizer, entry)
                continue
            started = time.perf_counter()
            rate = learning_rate_at(
                step - phase.start, phase.steps, phase.learning_rate,
                job.settings.warmup_ratio, job.settings.lr_scheduler, job.settings.decay,
            )  # fmt: skip
            asleep, now = _asleep(job, phase, depth, step), with_mlm_probability(job, phase, step)
            sums = train_step(now, module, optimizer, step, rate, asleep)
            check_loss(step + 1, sums.nats / sums.masked, state, job.settings.spike)
            state = _advance(state, sums, time.perf_counter() - started)
            if state.step % job.settings.logging_steps == 0 or state.step == phase.stop:
                state, entry = _log(phase, state, sums, first, bar)
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
    with wrapped(job) as (model, module):
        optimizer = build_optimizer(
            model,
            settings.adam_betas,
            settings.weight_decay,
            job.session.accelerator.device,
            rate_scales(depth, settings.layerwise_lr_decay),
        )
        model.train()
        yield replace(job, model=model), optimizer, module


def select_parameters(model: Any, phase_name: str, still: Collection[str] = ()) -> None:
    """Let all parameters learn, or only those outside the encoder; `still` never do."""
    head = set(head_parameters(model))
    for name, parameter in model.named_parameters():
        parameter.requires_grad_((phase_name == "full" or name in head) and name not in still)


def _asleep(job: Job, phase: Phase, depth: dict[str, int], step: int) -> list[torch.nn.Parameter]:
    """Return the parameters of the phase whose turn to learn has not come."""
    if job.settings.unfreeze == "all":
        return []
    learning = {name: p for name, p in job.model.named_parameters() if p.requires_grad}
    places = {name: depth[name] for name in learning}
    lowest = lowest_awake(places, step - phase.start, phase.steps)
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


def _pass_over(phase: Phase, state: TrainState) -> tuple[TrainState, dict[str, Any]]:
    """Leave the batch of a step out; its place in schedule and order stays."""
    number = state.step + 1
    entry = {"step": number, "phase": phase.name, "skipped": state.skipped[str(number)]}
    state = replace(state, step=number)
    if number < phase.stop:
        return state, entry
    # No later line of the phase can average the losses since the last, and another's must not.
    if state.window_masked:
        entry["loss"] = state.window_nats / state.window_masked
    return replace(state, window_nats=0.0, window_masked=0), entry


def _advance(state: TrainState, sums: StepSums, seconds: float) -> TrainState:
    return replace(
        remember_loss(state, sums.nats / sums.masked),
        step=state.step + 1,
        tokens=state.tokens + sums.tokens,
        seconds=state.seconds + seconds,
        window_nats=state.window_nats + sums.nats,
        window_masked=state.window_masked + sums.masked,
    )


def _log(
    phase: Phase, state: TrainState, sums: StepSums, first: TrainState, bar: Bar
) -> tuple[TrainState, dict[str, Any]]:
    loss = state.window_nats / state.window_masked
    speed = (state.tokens - first.tokens) / (state.seconds - first.seconds)
    entry = {
        "step": state.step,
        "phase": phase.name,
        "loss": loss,
        **({"pair_loss": sums.pair_nats / sums.pairs} if sums.pairs else {}),
        "gradient_norm": sums.gradient_norm,
        "learning_rate": sums.learning_rate,
        "tokens": state.tokens,
        "tokens_per_second": round(speed, 1),
    }
    left = (phase.stop - state.step) / (state.step - first.step) * (state.seconds - first.seconds)
    done = state.step - phase.start
    note = f"loss {loss:.3f} · {speed:,.0f} tokens/s"
    line = f"{phase.name} {done}/{phase.steps} · {note} · {left:.0f} s left"
    bar.update(done, note, line)
    return replace(state, window_nats=0.0, window_masked=0), entry


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
    run, accelerator = job.session.run, job.session.accelerator
    # By itself: once others give their shards, nothing may fail before those are taken.
    run_on_main(accelerator, partial(_prepare_save, job))
    keep, say = job.settings.save_total_limit, job.session.reporter.say
    save = partial(save_checkpoint, run.checkpoints, job.model, optimizer, state, keep, say)
    give = partial(gather_for_others, job.model, optimizer) if accelerator.is_fsdp2 else None
    run_on_main(accelerator, save, give)


def _prepare_save(job: Job) -> None:
    """Refuse to keep what was learned from changed tokens; bring metrics up to the checkpoint."""
    job.store.check_unchanged()
    sync_metrics(job.session.run)


def _trouble_writing(job: Job, entry: dict[str, Any]) -> Exception | None:
    if job.session.is_main:
        try:
            append_metrics(job.session.run, entry)
            track(job.session, entry)
        except Exception as error:
            return error
    return None

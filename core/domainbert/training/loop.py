"""The training loop: one phase from step to step, with metrics, checkpoints and signals."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from domainbert.model.layers import depths, frozen, lowest_unfrozen, rate_scales
from domainbert.model.masked_lm import first_non_finite, head_parameters, set_dropout
from domainbert.run.environment import environment_fingerprint
from domainbert.run.heartbeat import heartbeat
from domainbert.run.metrics import append_metrics, sync_metrics
from domainbert.run.progress import Bar
from domainbert.training import checkpoint, distributed
from domainbert.training.checkpoint import TrainState, checkpoints_in
from domainbert.training.data.masking import mlm_probability_at
from domainbert.training.phases import Phase
from domainbert.training.recovery import check_loss, forget_losses, remember_loss
from domainbert.training.schedule import build_optimizer, learning_rate_at
from domainbert.training.step import BadStep, Job, Losses, mean_of, train_step, warm_up_ddp_buckets
from domainbert.training.trackers import track
from domainbert.training.wrap import naming_batch, wrapped

# Above the number of any signal.
_UNWRITTEN = 1 << 10


def run_phase(job: Job, phase: Phase, state: TrainState, resumed: Path | None = None) -> TrainState:
    """Train from `state` to the end of a phase, writing metrics and checkpoints.

    Args:
        job: The run.
        phase: Which parameters learn, how long and how fast.
        state: Where training stands.
        resumed: Checkpoint from which the averages of the optimizer go on, if any.

    Raises:
        BadStep: Loss, gradient or weights went wrong; nothing of it was written.
        Stopped: A signal arrived; a checkpoint was written.
        StorageFullError: No space for a checkpoint; the one before is whole.
    """
    with (
        learning(job, phase.name) as (job, optimizer, module),
        job.session.reporter.bar(f"training ({phase.name})", phase.steps) as bar,
    ):
        if resumed is not None:
            checkpoint.load_optimizer(resumed, job.model, optimizer)
        warm_up_ddp_buckets(job, module, state.step)
        first = state = _begin(job, phase, state, optimizer)
        bar.update(state.step - phase.start)
        for step in range(state.step, phase.stop):
            heartbeat(f"step {step + 1}")
            entry: dict[str, Any] | None = None
            if str(step + 1) in state.skipped:
                state, entry = _pass_over(job, phase, state)
            else:
                started = time.perf_counter()
                losses, tokens, norm, rate = _learn(job, phase, step, optimizer, module)
                loss = mean_of(losses, job.objectives[0].name)
                check_loss(step + 1, loss, state, job.settings.spike)
                state = remember_loss(state, loss)
                state = _advance(state, losses, tokens, time.perf_counter() - started)
                bar.update(state.step - phase.start, f"loss {loss:.3f}")
                if state.step % job.settings.logging_steps == 0 or state.step == phase.stop:
                    entry = {"gradient_norm": norm, "learning_rate": rate}
                    state, entry = _log(job, phase, state, first, bar, entry)
            _finish_step(job, phase, state, optimizer, entry)
    return state


def _learn(
    job: Job, phase: Phase, step: int, optimizer: Any, module: Any
) -> tuple[Losses, int, float, float]:
    """Do a step with the mask rate, learning rate and frozen parameters that are its own."""
    settings, since, total = job.settings, step - phase.start, phase.steps
    rate = learning_rate_at(
        since, total, phase.learning_rate, settings.warmup_ratio, settings.lr_scheduler,
        settings.decay,
    )  # fmt: skip
    still = []
    if settings.unfreeze != "all":
        depth, parameters = depths(job.model), dict(job.model.named_parameters())
        places = {name: depth[name] for name, p in parameters.items() if p.requires_grad}
        lowest = lowest_unfrozen(places, since, total)
        still = [parameters[name] for name, place in places.items() if place < lowest]
    since = since if phase.name == "full" else 0
    masked = mlm_probability_at(since, total, *settings.mlm_probabilities)
    now = replace(job, masking=replace(job.masking, rate=masked))
    return (*train_step(now, module, optimizer, step, rate, still), rate)


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
    select_parameters(job.model, phase_name, {*frozen(settings, depth), *job.still})
    with naming_batch(settings), wrapped(job) as (model, module):
        scales = rate_scales(depth, settings.layerwise_lr_decay)
        betas, device = settings.adam_betas, job.session.accelerator.device
        optimizer = build_optimizer(model, betas, settings.weight_decay, device, scales)
        model.train()
        yield replace(job, model=model), optimizer, module


def select_parameters(model: Any, phase_name: str, frozen: Collection[str] = ()) -> None:
    """Let all parameters learn, or only those outside the encoder; `frozen` never do."""
    head = set(head_parameters(model))
    for name, parameter in model.named_parameters():
        parameter.requires_grad_((phase_name == "full" or name in head) and name not in frozen)


def _begin(
    job: Job, phase: Phase, state: TrainState, optimizer: torch.optim.Optimizer
) -> TrainState:
    """Make sure that there is something to go back to."""
    # Asked by one: it may have written the first checkpoint before another looks.
    missing = not checkpoints_in(job.session.run.checkpoints)
    if distributed.broadcast_from_main(job.session.accelerator, missing):
        _save(job, phase, state, optimizer)
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


def _advance(state: TrainState, losses: Losses, tokens: int, seconds: float) -> TrainState:
    window = dict(state.window)
    for name, (total, count) in losses.items():
        before = window.get(name, (0.0, 0))
        window[name] = before[0] + total, before[1] + count
    tokens, seconds = state.tokens + tokens, state.seconds + seconds
    return replace(state, step=state.step + 1, tokens=tokens, seconds=seconds, window=window)


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
    means, seconds, done = (
        _means(job, state),
        state.seconds - first.seconds,
        state.step - phase.start,
    )
    speed = (state.tokens - first.tokens) / seconds
    left = (phase.stop - state.step) / (state.step - first.step) * seconds
    note = f"loss {means['loss']:.3f} · {speed:,.0f} tokens/s"
    bar.update(done, note, f"{phase.name} {done}/{phase.steps} · {note} · {left:.0f} s left")
    entry |= {"step": state.step, "phase": phase.name, "tokens": state.tokens, **means}
    entry["tokens_per_second"] = round(speed, 1)
    return replace(state, window={}, losses=means), entry


def _finish_step(
    job: Job, phase: Phase, state: TrainState, optimizer: Any, entry: dict[str, Any] | None
) -> None:
    """Write the metrics line of a step, and a checkpoint if it is due; stop after a signal."""
    accelerator, session, trouble = job.session.accelerator, job.session, None
    if entry is not None and session.is_main:
        try:
            append_metrics(session.run, entry)
            track(session, entry)
        except Exception as error:
            trouble = error
    # One process may get a signal, or fail to write, and the others not; they must agree.
    mine = _UNWRITTEN if trouble else session.stop.signal_number
    received = int(distributed.all_reduce_max(accelerator, mine))
    if received == _UNWRITTEN:
        distributed.fail_together(accelerator, trouble)
    if state.step % job.settings.save_steps and state.step != phase.stop and not received:
        return
    if distributed.all_reduce_max(accelerator, first_non_finite(job.model) is not None):
        raise BadStep(state.step, "it made a weight that is not finite")
    _save(job, phase, state, optimizer)
    if received:
        session.raise_stopped(received, f"a checkpoint of step {state.step} was written")


def _save(job: Job, phase: Phase, state: TrainState, optimizer: torch.optim.Optimizer) -> None:
    run, say = job.session.run, job.session.reporter.say
    every, most = job.settings.save_steps, max(1, job.settings.save_total_limit)
    keep = most, lambda step: step == phase.start or step % every == 0
    # Here: every process gives its part of the weights, whatever fails in the main one.
    tensors = checkpoint.checkpoint_tensors(job.model, optimizer)

    def save() -> None:
        job.store.check_unchanged()  # nothing is kept that was learned from changed tokens
        sync_metrics(run)  # no checkpoint is ahead of them
        environment = environment_fingerprint(job.model)
        checkpoint.save_checkpoint(run.checkpoints, tensors, state, environment, keep, say)

    distributed.run_on_main(job.session.accelerator, save)

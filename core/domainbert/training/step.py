"""One optimizer step: exact over micro-batches and processes, a function of the step number.

The loss of a step is the mean over all its masked tokens, whatever the micro-batch size and the
number of processes: each forward pass returns a sum, and the divisor is counted over all of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch

from domainbert.keyed_random import derive_key
from domainbert.model.load import longest_sequence
from domainbert.recipe.train import TrainSection
from domainbert.run.session import Session
from domainbert.training.batch_ramp import batch_places
from domainbert.training.data.batch import Layout, MicroBatch, masked_batch
from domainbert.training.data.masking import MaskingConfig, mlm_probability_at
from domainbert.training.data.order import SequenceIndex, global_batch, share
from domainbert.training.distributed import all_reduce_sum
from domainbert.training.memory import names_batch
from domainbert.training.phases import Phase
from domainbert.training.schedule import set_rate

if TYPE_CHECKING:
    from domainbert.corpus.store import TokenStore


class BadStep(Exception):
    """A step that must not count; caught where the run can go back.

    Args:
        step: From 1, as in the metrics.
        reason: What was wrong with it, for metrics and messages.
    """

    def __init__(self, step: int, reason: str) -> None:
        super().__init__(f"step {step}: {reason}")
        self.step = step
        self.reason = reason


def check_finite(step: int, loss: float, norm: float) -> None:
    """Refuse a step, before it is applied, whose loss or gradient is not finite.

    Raises:
        BadStep: One of the two is infinite or no number.
    """
    if not (math.isfinite(loss) and math.isfinite(norm)):
        what = f"loss {loss}, gradient norm {norm}"
        raise BadStep(step, f"the loss or its gradient is not finite ({what})")


@dataclass(frozen=True)
class Job:
    """What every step of a run needs; nothing in it changes but the model's weights.

    Args:
        model: A transformers `*ForMaskedLM`, on its device.
        store: Token store.
        index: Sequences of the training slice.
        rule: How tokens are masked.
        layout: How sequences lie in a batch.
        settings: The recipe's `train:` section.
        session: Processes, device, run folder, progress, signals.
    """

    model: Any
    store: TokenStore
    index: SequenceIndex
    rule: MaskingConfig
    layout: Layout
    settings: TrainSection
    session: Session


@dataclass(frozen=True)
class StepSums:
    """Sums of one optimizer step over all processes."""

    nats: float
    masked: int
    tokens: int
    gradient_norm: float
    learning_rate: float
    pair_nats: float = 0.0
    pairs: int = 0


def with_mlm_probability(job: Job, phase: Phase, step: int) -> Job:
    """Return the job with the mask rate of a step; the head phase has the first rate."""
    since = step - phase.start if phase.name == "full" else 0
    rate = mlm_probability_at(since, phase.steps, *job.settings.mlm_probabilities)
    return replace(job, rule=replace(job.rule, rate=rate))


@names_batch
def train_step(
    job: Job,
    wrapped: Any,
    optimizer: torch.optim.Optimizer,
    step: int,
    learning_rate: float,
    asleep: Sequence[torch.nn.Parameter] = (),
) -> StepSums:
    """Do one optimizer step on the global batch of `step`; parameters `asleep` stay as they are."""
    accelerator, settings = job.session.accelerator, job.settings
    rank, world = accelerator.process_index, accelerator.num_processes
    batches = micro_batches(job, step)
    masked, pairs, tokens = all_reduce_sum(accelerator, _counts(batches))
    optimizer.zero_grad(set_to_none=True)
    # Processes average their gradients, so each gives `world` times its part.
    weights = torch.tensor([world / masked, world / max(1, pairs)], device=accelerator.device)
    # Kept on the device: reading it would make a GPU wait after every micro-batch.
    total = torch.zeros(2, dtype=torch.float64, device=accelerator.device)
    for number, batch in enumerate(batches):
        last = number == len(batches) - 1
        # Dropout depends on the place in the run and on nothing that came before.
        torch.manual_seed(derive_key("dropout", settings.seed, step, rank, number))
        with nullcontext() if last else accelerator.no_sync(wrapped):
            # Of masked tokens, and of pairs where there is a head for them.
            sums = wrapped(batch.to(accelerator.device)).reshape(-1)
            accelerator.backward((sums * weights[: len(sums)]).sum())
            total[: len(sums)] += sums.detach()
    # Without a gradient AdamW leaves a parameter, its decay and its averages alone. Turning off
    # `requires_grad` would save work, but DDP wants the same parameters in every step.
    for parameter in asleep:
        parameter.grad = None
    nats, pair_nats = all_reduce_sum(accelerator, total.tolist())
    norm = float(accelerator.clip_grad_norm_(wrapped.parameters(), settings.max_grad_norm))
    check_finite(step + 1, nats / masked + pair_nats / max(1, pairs), norm)
    set_rate(optimizer, learning_rate)
    optimizer.step()
    return StepSums(nats, int(masked), int(tokens), norm, learning_rate, pair_nats, int(pairs))


def _counts(batches: list[MicroBatch]) -> list[int]:
    """Return masked tokens, pairs and tokens of one process."""
    return [
        sum(len(batch.targets_N) for batch in batches),
        sum(len(batch.pair_labels_P) for batch in batches),
        sum(batch.n_tokens for batch in batches),
    ]


def micro_batches(job: Job, step: int) -> list[MicroBatch]:
    """Return what this process reads in a step."""
    accelerator, settings = job.session.accelerator, job.settings
    rank, world, micro = (
        accelerator.process_index,
        accelerator.num_processes,
        settings.micro_batch_size,
    )
    keys = global_batch(job.index, settings.seed, batch_places(settings, step))
    # Where every pass gathers weights from all processes, all have to make as many passes.
    by_tokens = job.layout != "padded" and not accelerator.is_fsdp2
    capacity = micro * settings.max_seq_length if by_tokens else None
    parts = share(keys, rank, world, micro, capacity)
    longest = longest_sequence(job.model)
    return [masked_batch(job.store, part, job.rule, job.layout, longest) for part in parts]


@names_batch
def warm_up_ddp_buckets(job: Job, wrapped: Any, step: int) -> None:
    """Let processes agree on the order in which they exchange gradients, before any counts.

    DDP chooses it in the first backward pass of its life and sums in another order before. With
    three processes or more a continued run would then not have the bits of one never stopped.

    Args:
        job: The run.
        wrapped: The model as it is trained; its weights and gradients stay as they are.
        step: The step that follows, whose batch is used.
    """
    accelerator = job.session.accelerator
    if accelerator.num_processes == 1:
        return
    batch = micro_batches(job, step)[0]
    accelerator.backward(wrapped(batch.to(accelerator.device)).sum())
    wrapped.zero_grad(set_to_none=True)

"""One optimizer step: exact over micro-batches and processes, a function of the step number.

The loss of a step is the mean over all its masked tokens, whatever the micro-batch size and the
number of processes: each forward pass returns a sum, and the divisor is counted over all of them.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from domainbert.counter import derive_key
from domainbert.recipe_train import TrainSection
from domainbert.session import Session
from domainbert.training.batch import masked_batch
from domainbert.training.masking import MaskRule
from domainbert.training.optimise import set_rate
from domainbert.training.order import SequenceIndex, global_batch, share
from domainbert.training.recovery import check_finite

if TYPE_CHECKING:
    from domainbert.corpus.store import TokenStore


@dataclass(frozen=True)
class Job:
    """What every step of a run needs; nothing in it changes but the model's weights.

    Args:
        model: A transformers `*ForMaskedLM`, on its device.
        store: Token store.
        index: Sequences of the training slice.
        rule: How tokens are masked.
        packed: Whether sequences lie one behind the other, without padding.
        settings: The recipe's `train:` section.
        session: Processes, device, run folder, progress, signals.
    """

    model: Any
    store: TokenStore
    index: SequenceIndex
    rule: MaskRule
    packed: bool
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


def train_step(
    job: Job, wrapped: Any, optimizer: torch.optim.Optimizer, step: int, learning_rate: float
) -> StepSums:
    """Do one optimizer step on the global batch of `step`."""
    accelerator, settings = job.session.accelerator, job.settings
    rank, world = accelerator.process_index, accelerator.num_processes
    keys = global_batch(job.index, settings.seed, step, settings.batch_size)
    # Where every pass gathers weights from all, all have to make as many passes.
    by_tokens = job.packed and not accelerator.is_fsdp2
    capacity = settings.micro_batch_size * settings.max_length if by_tokens else None
    parts = share(keys, rank, world, settings.micro_batch_size, capacity)
    batches = [masked_batch(job.store, part, job.rule, job.packed) for part in parts]
    mine = [sum(len(b.targets_N) for b in batches), sum(b.n_tokens for b in batches)]
    masked, tokens = _sum_over_ranks(accelerator, mine)
    optimizer.zero_grad(set_to_none=True)
    # Kept on the device: reading it would make a GPU wait after every micro-batch.
    total = torch.zeros((), dtype=torch.float64, device=accelerator.device)
    for number, batch in enumerate(batches):
        last = number == len(batches) - 1
        # Dropout depends on the place in the run and on nothing that came before.
        torch.manual_seed(derive_key("dropout", settings.seed, step, rank, number))
        with nullcontext() if last else accelerator.no_sync(wrapped):
            loss = wrapped(batch.to(accelerator.device))
            # Processes average their gradients, so each gives `world` times its part.
            accelerator.backward(loss * (world / masked))
            total += loss.detach()
    (nats,) = _sum_over_ranks(accelerator, [total.item()])
    norm = float(accelerator.clip_grad_norm_(wrapped.parameters(), settings.max_gradient_norm))
    check_finite(step + 1, nats / masked, norm)
    set_rate(optimizer, learning_rate)
    optimizer.step()
    return StepSums(nats, int(masked), int(tokens), norm, learning_rate)


def _sum_over_ranks(accelerator: Any, values: list[Any]) -> list[Any]:
    if accelerator.num_processes == 1:
        return values
    totals = torch.tensor(values, dtype=torch.float64, device=accelerator.device)
    return list(accelerator.reduce(totals, reduction="sum").tolist())

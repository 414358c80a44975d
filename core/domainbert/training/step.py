"""One optimizer step: exact over micro-batches and processes, a function of the step number.

The loss of a step is the mean over all its terms (of masked LM: masked tokens), whatever the
micro-batch size and the number of processes: each forward pass returns sums, and the divisors are
counted over all of them.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch

from domainbert.keyed_random import derive_key
from domainbert.model.load import longest_sequence
from domainbert.model.masked_lm import MaskedLanguageModel
from domainbert.plugin.components import Objective
from domainbert.plugin.registry import calling
from domainbert.recipe.train import TrainSection
from domainbert.run.session import Session
from domainbert.training.data.batch import Layout, MicroBatch, masked_batch
from domainbert.training.data.masking import MaskingConfig
from domainbert.training.data.order import SequenceIndex, global_batch, share
from domainbert.training.distributed import all_reduce_sum, sum_dtype
from domainbert.training.objectives.masked_lm import MASKED_LM
from domainbert.training.phases import batch_places
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
        self.step, self.reason = step, reason


@dataclass(frozen=True)
class Job:
    """What every step of a run needs; nothing in it changes but the model's weights.

    Args:
        model: A transformers `*ForMaskedLM`, on its device.
        store: Token store.
        index: Sequences of the training slice.
        masking: How tokens are masked.
        layout: How sequences lie in a batch.
        settings: The recipe's `train:` section.
        session: Processes, device, run folder, progress, signals.
        objectives: Training losses; the first is the one that is watched for spikes.
        prepared: What each objective keeps, such as a teacher, by name.
        still: Names of parameters that never learn, such as those beside which LoRA stands.
    """

    model: Any
    store: TokenStore
    index: SequenceIndex
    masking: MaskingConfig
    layout: Layout
    settings: TrainSection
    session: Session
    objectives: tuple[Objective, ...] = (MASKED_LM,)
    prepared: dict[str, Any] = field(default_factory=dict)
    still: frozenset[str] = frozenset()

    def frozen_copy(self) -> MaskedLanguageModel:
        """Return a copy of the model that does not learn, such as a teacher; it has `logits`."""
        return MaskedLanguageModel(copy.deepcopy(self.model)).eval().requires_grad_(False)


Losses = dict[str, tuple[float, int]]
"""Sum and number of terms of each objective, by its name."""


def mean_of(losses: Losses, name: str) -> float:
    """Return the mean of an objective over its terms; 0 if there are none."""
    total, count = losses[name]
    return total / max(1, count)


def train_step(
    job: Job,
    module: Any,
    optimizer: torch.optim.Optimizer,
    step: int,
    learning_rate: float,
    frozen: Sequence[torch.nn.Parameter] = (),
) -> tuple[Losses, int, float]:
    """Do one optimizer step on the global batch of `step`.

    Args:
        job: The run.
        module: Its model as `SummedLosses`, as Accelerate prepared it.
        optimizer: From `build_optimizer`.
        step: From 0, over all phases.
        learning_rate: Of the parameters with scale 1.
        frozen: Parameters that stay as they are.

    Returns:
        Sum and count of each objective, tokens read without padding, and the norm of the gradient
        before clipping; all over all processes.

    Raises:
        BadStep: Loss or gradient is not finite; the step is not applied.
    """
    accelerator, settings = job.session.accelerator, job.settings
    rank, world = accelerator.process_index, accelerator.num_processes
    batches = micro_batches(job, step)
    tokens, *counts = map(int, all_reduce_sum(accelerator, _counts(job, batches)))
    names = [objective.name for objective in job.objectives]
    optimizer.zero_grad(set_to_none=True)
    # Processes average their gradients, so each gives `world` times its part.
    scaled = zip(names, counts, strict=True)
    parts = [world / max(1, count) * settings.loss_weights[name] for name, count in scaled]
    weights = torch.tensor(parts, device=accelerator.device)
    # Kept on the device: reading it would make a GPU wait after every micro-batch.
    totals = torch.zeros(len(counts), dtype=sum_dtype(accelerator), device=accelerator.device)
    for number, batch in enumerate(batches):
        last = number == len(batches) - 1
        # Dropout depends on the place in the run and on nothing that came before.
        torch.manual_seed(derive_key("dropout", settings.seed, step, rank, number))
        with nullcontext() if last else accelerator.no_sync(module):
            sums = module(batch.to(accelerator.device))
            accelerator.backward((sums * weights).sum())
            totals += sums.detach()
    # Without a gradient AdamW leaves a parameter, its decay and its averages alone. Turning off
    # `requires_grad` would save work, but DDP wants the same parameters in every step.
    for parameter in frozen:
        parameter.grad = None
    summed = all_reduce_sum(accelerator, totals.tolist())
    losses = {n: (total, c) for n, total, c in zip(names, summed, counts, strict=True)}
    norm = float(accelerator.clip_grad_norm_(module.parameters(), settings.max_grad_norm))
    _check_finite(step + 1, sum(mean_of(losses, name) for name in names), norm)
    set_rate(optimizer, learning_rate)
    optimizer.step()
    return losses, tokens, norm


def _counts(job: Job, batches: list[MicroBatch]) -> list[int]:
    """Return tokens, and the terms of each objective, in this process."""
    counts = [sum(batch.n_tokens for batch in batches)]
    for objective in job.objectives:
        with calling(objective):
            counts.append(sum(int(objective.count(batch)) for batch in batches))
    return counts


def _check_finite(step: int, loss: float, norm: float) -> None:
    if not math.isfinite(loss + norm):
        what = f"loss {loss}, gradient norm {norm}"
        raise BadStep(step, f"the loss or its gradient is not finite ({what})")


def micro_batches(job: Job, step: int) -> list[MicroBatch]:
    """Return what this process reads in a step."""
    accelerator, settings = job.session.accelerator, job.settings
    micro = settings.micro_batch_size
    keys = global_batch(job.index, settings.seed, batch_places(settings, step))
    # Where every pass gathers weights from all processes, all have to make as many passes.
    by_tokens = job.layout != "padded" and not accelerator.is_fsdp2
    capacity = micro * settings.max_seq_length if by_tokens else None
    parts = share(keys, accelerator.process_index, accelerator.num_processes, micro, capacity)
    longest = longest_sequence(job.model)
    return [masked_batch(job, part, longest) for part in parts]


def warm_up_ddp_buckets(job: Job, module: Any, step: int) -> None:
    """Let processes agree on the order in which they exchange gradients, before any counts.

    DDP chooses it in the first backward pass of its life and sums in another order before. With
    three processes or more a continued run would then not have the bits of one never stopped.

    Args:
        job: The run.
        module: The model as it is trained; its weights and gradients stay as they are.
        step: The step that follows, whose batch is used.
    """
    accelerator = job.session.accelerator
    if accelerator.num_processes == 1:
        return
    batch = micro_batches(job, step)[0]
    accelerator.backward(module(batch.to(accelerator.device)).sum())
    module.zero_grad(set_to_none=True)

"""The model as a phase trains it: plain, compiled, replicated, in shards, or with less memory."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch

from domainbert.errors import RecipeError, RunFailed
from domainbert.training.distributed import gathered
from domainbert.training.losses import SummedLosses

if TYPE_CHECKING:
    from torch import nn

    from domainbert.recipe.train import TrainSection
    from domainbert.training.step import Job

# Devices and libraries word it differently, and often raise a plain RuntimeError.
_WORDS = re.compile(r"out of memory|not enough memory|can('t|not) allocate memory", re.IGNORECASE)


@contextmanager
def wrapped(job: Job) -> Iterator[tuple[nn.Module, Any]]:
    """Yield the model whose parameters learn, and the module that is called for the losses.

    Under FSDP the model is a copy in shards, while the run's own waits in the memory of the
    processor and takes over the trained weights when the block succeeds. So everything outside the
    loop sees an ordinary model.

    Args:
        job: The run.
    """
    accelerator = job.session.accelerator
    try:
        if not accelerator.is_fsdp2:
            module = SummedLosses(job.model, job.objectives, job.prepared)
            if job.settings.torch_compile:
                # In place, so that no name changes; all sizes free, since batches differ in them.
                module.compile(dynamic=True)
            yield job.model, accelerator.prepare(module)
            return
        job.model.to("cpu")
        model = copy.deepcopy(job.model)
        yield model, _shard(accelerator, SummedLosses(model, job.objectives, job.prepared))
        with torch.no_grad():
            learned = dict(model.named_parameters())
            for name, parameter in job.model.named_parameters():
                parameter.copy_(gathered(learned[name]))
    finally:
        accelerator.free_memory()
        job.model.to(accelerator.device)


def _shard(accelerator: Any, module: Any) -> Any:
    # Accelerate looks for names of layers on what it is given. The embeddings share a weight with
    # the head, and such weights must be in one group: that of the whole.
    names = module.model._no_split_modules or []
    module._no_split_modules = [name for name in names if not name.endswith("Embeddings")]
    # It wants an optimizer too, to exchange its parameters; ours is built on the shards afterwards.
    return accelerator.prepare(module, torch.optim.SGD(module.parameters(), lr=0.0))[0]


def save_memory(model: Any) -> None:
    """Let a model compute its layers again in the backward pass instead of keeping them.

    Raises:
        RecipeError: The family cannot.
    """
    if not model.supports_gradient_checkpointing:
        raise RecipeError(
            f"train.gradient_checkpointing: models of type {model.config.model_type!r} cannot. "
            "Leave it out, and lower `train.micro_batch_size` to save memory."
        )
    # Its name until transformers 5.23 and since.
    old = model.gradient_checkpointing_enable
    enable = getattr(model, "activation_checkpointing_enable", old)
    enable({"use_reentrant": False})
    # Else a frozen encoder would be passed through in the backward pass, for nothing.
    model.disable_input_require_grads()


@contextmanager
def naming_batch(settings: TrainSection) -> Iterator[None]:
    """Turn an allocation that fails in the block into an error that names the recipe's keys.

    Raises:
        RunFailed: With what to change.
    """
    try:
        yield
    except (RuntimeError, MemoryError, RunFailed) as error:
        # An objective's error names the objective and has the allocation as its cause.
        cause = error.__cause__ if isinstance(error, RunFailed) else error
        if not (isinstance(cause, MemoryError) or _WORDS.search(str(cause))):
            raise
        reason = (str(cause).strip() or type(cause).__name__).splitlines()[0].rstrip(".")
        raise RunFailed(
            f"train.micro_batch_size: {settings.micro_batch_size}, with train.max_seq_length: "
            f"{settings.max_seq_length}, needs more memory than there is ({reason}). The last "
            "checkpoint is whole: free memory and run again, or name another --out and a lower "
            "`train.micro_batch_size` (no loss changes) or `train.gradient_checkpointing: true`."
        ) from None

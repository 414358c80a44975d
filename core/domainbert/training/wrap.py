"""The model as a phase trains it: plain, compiled, one of several replicas, or in shards."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch

from domainbert.errors import RecipeError
from domainbert.training.distributed import gathered
from domainbert.training.losses import SummedLosses

if TYPE_CHECKING:
    from torch import nn

    from domainbert.training.step import Job


@contextmanager
def wrapped(job: Job) -> Iterator[tuple[nn.Module, Any]]:
    """Yield the model whose parameters learn, and the module that is called for the losses.

    Under FSDP the model is a copy in shards, while the run's own waits in the memory of the
    processor and takes over what was learned when the block succeeds. So everything outside the
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


def save_memory(model: Any, wanted: bool) -> None:
    """Let a model compute its layers again in the backward pass instead of keeping them.

    Args:
        model: A masked language model.
        wanted: Whether the recipe says so.

    Raises:
        RecipeError: The family cannot.
    """
    if not wanted:
        return
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

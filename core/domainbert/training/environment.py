"""Whether this machine, and the way its processes were started, can do what a recipe asks for."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Any

import torch

from domainbert.errors import RecipeError, UserError
from domainbert.training.losses import objectives_of
from domainbert.training.trackers import check_trackers

if TYPE_CHECKING:
    from domainbert.recipe.train import TrainSection


def check_environment(settings: TrainSection, accelerator: Any) -> None:
    """Refuse, before any work starts, what cannot be done on this machine.

    Args:
        settings: The recipe's `train:` section.
        accelerator: Knows how processes were started.

    Raises:
        RecipeError: A setting asks for a library or an objective that is not installed.
        UserError: The processes were started in a way that is not supported.
    """
    check_trackers(settings.trackers)
    objectives_of(settings)
    processes = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    # NCCL refuses several processes on one GPU too, but later and in words of its own.
    if accelerator.device.type == "cuda" and processes > (gpus := torch.cuda.device_count()):
        raise UserError(
            f"{processes} processes were started on a machine with {gpus} GPU(s), and each needs "
            f"one. Start {gpus}, or train on the CPU with ACCELERATE_USE_CPU=true."
        )
    if settings.torch_compile and accelerator.is_fsdp2:
        raise RecipeError("train.torch_compile: cannot be used with FSDP; leave one of them out.")
    compilers = [os.environ.get("CXX", "g++"), "g++", "clang++"]
    if settings.torch_compile and not any(map(shutil.which, compilers)):
        raise RecipeError(
            "train.torch_compile: needs a C++ compiler, and neither g++ nor clang++ is installed. "
            "Install one, or leave it out."
        )
    kind = accelerator.distributed_type.value
    if kind == "FSDP" and not accelerator.is_fsdp2:
        raise UserError("FSDP 1 is not supported. Set `fsdp_version: 2` in Accelerate's config.")
    if kind not in {"NO", "FSDP"} and not kind.startswith("MULTI_"):
        raise UserError(f"{kind} is not supported. Use plain processes or FSDP 2.")

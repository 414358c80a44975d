"""The processes, device and precision of a run."""

from __future__ import annotations

import contextlib
import ctypes
import os
from datetime import timedelta
from typing import Any

import torch

# Ranks wait for each other within a step and a save only: data stages end before ranks start, and
# evaluation exchanges nothing.
_PATIENCE = timedelta(minutes=15)
_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # malloc.h


def build_accelerator(precision: str) -> Any:
    """Return an Accelerator; one process on its own, several under `torchrun`.

    Args:
        precision: `fp32`, `bf16`, or `auto` for bf16 where the device computes in it.
    """
    from accelerate import Accelerator, InitProcessGroupKwargs
    from accelerate.state import AcceleratorState, is_initialized

    if is_initialized() and AcceleratorState().num_processes == 1:
        # Of an earlier run in this process, as of a notebook; it may have had another precision.
        AcceleratorState._reset_state()
    # With FSDP, transformers would leave the base unread in all processes but one.
    os.environ["FSDP_CPU_RAM_EFFICIENT_LOADING"] = "false"
    keep_freed_memory()
    # Of products of each shape oneDNN keeps 1,024 kernels, 5 GB in a run with rows of all lengths;
    # a step uses fewer than these.
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "256")
    if precision == "auto":
        precision = "bf16" if device_has_bf16() else "fp32"
    return Accelerator(
        mixed_precision="bf16" if precision == "bf16" else "no",
        kwargs_handlers=[InitProcessGroupKwargs(timeout=_PATIENCE)],
    )


def keep_freed_memory() -> None:
    """Let glibc keep the memory that tensors free, instead of returning it to the system.

    A step frees and asks again for the same gigabyte of activations; fetching their pages took 5 to
    10 % of its CPU time. Other C libraries are left alone.
    """
    with contextlib.suppress(OSError, AttributeError):
        c_library = ctypes.CDLL(None)
        c_library.gnu_get_libc_version()
        c_library.mallopt(_M_MMAP_MAX, 0)
        c_library.mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)


def device_has_bf16() -> bool:
    """Tell whether bf16 matrix products run in hardware rather than being emulated."""
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if torch.backends.mps.is_available():
        return False  # not measured, so fp32
    # Public since torch 2.11; without it nothing is known of the processor.
    capabilities: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return any(capabilities.get(name) for name in ("amx_bf16", "avx512_bf16", "bf16"))

"""The processes, device and precision of a run."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
from datetime import timedelta
from typing import Any

import torch

from domainbert.run import processor_name
from domainbert.session import Session

# Ranks wait for each other while one tokenises or evaluates; half an hour, the default, is short.
_PATIENCE = timedelta(hours=24)
_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # malloc.h


def build_accelerator(precision: str) -> Any:
    """Return an Accelerator; one process on its own, several under `torchrun`.

    Args:
        precision: `fp32`, `bf16`, or `auto` for bf16 where the device computes in it.
    """
    from accelerate import Accelerator, InitProcessGroupKwargs

    # With FSDP, transformers would leave the base unread in all processes but one.
    os.environ["FSDP_CPU_RAM_EFFICIENT_LOADING"] = "false"
    keep_freed_memory()
    if precision == "auto":
        precision = "bf16" if device_has_bf16() else "fp32"
    return Accelerator(
        mixed_precision="bf16" if precision == "bf16" else "no",
        kwargs_handlers=[InitProcessGroupKwargs(timeout=_PATIENCE)],
    )


def keep_freed_memory() -> None:
    """Let glibc keep the memory that tensors free, instead of returning it to the system.

    A step frees and asks again for the same gigabyte of activations; fetching their pages anew took
    5 to 10 % of its CPU time. Other C libraries are left alone.
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
    # Public since torch 2.11; without it nothing is known of the processor.
    capabilities: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return any(capabilities.get(name) for name in ("amx_bf16", "avx512_bf16", "bf16"))


def hardware(session: Session) -> dict[str, Any]:
    """Return what the model card says of the machine, and the peak memory of this process."""
    device = session.accelerator.device
    cuda = device.type == "cuda"
    peak = torch.cuda.max_memory_allocated(device) if cuda else 0
    return {
        "device": torch.cuda.get_device_name(device) if cuda else processor_name(),
        "processes": session.accelerator.num_processes,
        "cores": os.cpu_count(),
        "precision": "bf16" if session.bf16 else "fp32",
        # Linux counts ru_maxrss in KiB.
        "peak_memory_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2, 2),
        "peak_device_memory_gb": round(peak / 1024**3, 2),
    }

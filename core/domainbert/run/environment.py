"""What the bits of a run depend on beside its recipe, its corpus and its base."""

from __future__ import annotations

import os
import platform
import re
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from domainbert.system import peak_memory_bytes

if TYPE_CHECKING:
    from torch import nn

    from domainbert.run.session import Session


def environment_fingerprint(model: nn.Module) -> dict[str, str]:
    """Return versions, hardware, processes and precision of a run, by name."""
    import accelerate
    import numpy as np
    import torch
    import transformers
    from accelerate.state import AcceleratorState, is_initialized

    import domainbert

    in_run: dict[str, str] = {}
    if is_initialized():
        state = AcceleratorState()
        precision = "bf16" if state.mixed_precision == "bf16" else "fp32"
        in_run = {"distributed": state.distributed_type.value, "precision": precision}
    distributed = torch.distributed.is_available() and torch.distributed.is_initialized()
    return {
        "torch": str(torch.__version__),
        "transformers": transformers.__version__,
        "accelerate": accelerate.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "domainbert": domainbert.__version__,
        "device": next(model.parameters()).device.type,
        "processor": processor_name(),
        "processes": str(torch.distributed.get_world_size() if distributed else 1),
        **in_run,
        "threads": str(torch.get_num_threads()),
    }


_PACKAGES = (
    "accelerate", "domainbert", "numpy", "pyarrow", "safetensors", "scikit-learn", "scipy",
    "seqeval", "tokenizers", "torch", "transformers",
)  # fmt: skip


def environment() -> dict[str, Any]:
    """Return versions and hardware; no user name, path or variable of the environment."""
    versions = {name: metadata.version(name) for name in _PACKAGES}
    plugins = metadata.entry_points(group="domainbert")
    for entry in plugins:
        with suppress(Exception):  # metadata of a stranger, which `plugins list` reports
            versions[str(entry.dist.name)] = str(entry.dist.version)  # type: ignore[union-attr]
    return {
        "versions": versions,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "processor": processor_name(),
    }


def processor_name() -> str:
    """Return the processor's name."""
    path = Path("/proc/cpuinfo")
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    match = re.search(r"^model name\s*:\s*(.*\S)", text, re.MULTILINE)
    return match[1] if match else platform.processor()


def hardware(session: Session) -> dict[str, Any]:
    """Return device, processes and precision of a run, and the peak memory of this process."""
    import torch

    device = session.accelerator.device
    cuda = device.type == "cuda"
    peak = torch.cuda.max_memory_allocated(device) if cuda else 0
    return {
        "device": torch.cuda.get_device_name(device) if cuda else processor_name(),
        "processes": session.accelerator.num_processes,
        "cores": os.cpu_count(),
        "precision": "bf16" if session.bf16 else "fp32",
        "peak_memory_gb": round(peak_memory_bytes() / 1024**3, 2),
        "peak_device_memory_gb": round(peak / 1024**3, 2),
    }

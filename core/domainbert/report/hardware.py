"""The hardware of a run, for the model card."""

from __future__ import annotations

import os
import resource
from typing import Any

import torch

from domainbert.run.environment import processor_name
from domainbert.run.session import Session


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

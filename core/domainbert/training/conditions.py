"""What the bits of a run depend on beside its recipe, its corpus and its base."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

from domainbert.run import processor_name

if TYPE_CHECKING:
    from torch import nn


def conditions(model: nn.Module) -> dict[str, str]:
    """Return versions, hardware, processes and precision of a run, by name."""
    import accelerate
    import numpy as np
    import torch
    import transformers

    import domainbert

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
        **_chosen(),
        "threads": str(torch.get_num_threads()),
    }


def _chosen() -> dict[str, str]:
    """Return what recipe, machine and Accelerate's config came to; nothing outside a run."""
    from accelerate.state import AcceleratorState, is_initialized

    if not is_initialized():
        return {}
    state = AcceleratorState()
    return {
        "distributed": state.distributed_type.value,
        "precision": "bf16" if state.mixed_precision == "bf16" else "fp32",
    }

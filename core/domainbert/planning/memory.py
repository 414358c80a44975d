"""Peak memory of a piece of work, as the system counts it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from domainbert.errors import RecipeError

if TYPE_CHECKING:
    from domainbert.recipe.train import TrainSection

# fp32 weights, and for those that learn gradients and two averages of AdamW.
_BYTES, _LEARNING_BYTES = 4, 16
# Floats per token and layer, in units of the hidden size, which the backward pass needs at least.
_KEPT = 8

_CLEAR_PEAK, _STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")


def reset_peak(device: Any) -> bool:
    """Reset the peak of memory; return False where the system cannot."""
    if device.type == "cuda":
        import torch

        torch.cuda.reset_peak_memory_stats(device)
        return True
    try:
        _CLEAR_PEAK.write_text("5", encoding="ascii")  # Linux: 5 resets the peak alone
    except OSError:
        return False
    return True


def check_memory(model: Any, settings: TrainSection) -> None:
    """Refuse training that cannot fit into the memory of the machine; GPUs are not looked at.

    The estimate is a lower bound, so what passes may still not fit.

    Raises:
        RecipeError: With the need and the memory of the machine.
    """
    import psutil
    import torch

    if torch.cuda.is_available():
        return
    parameters = sum(weight.numel() for weight in model.parameters())
    width, layers = model.config.hidden_size, model.config.num_hidden_layers
    tokens = min(settings.micro_batch_size, settings.batch_size) * settings.max_seq_length
    kept = _KEPT * tokens * width * (1 if settings.gradient_checkpointing else layers)
    each = _BYTES if settings.method == "lora" else _LEARNING_BYTES
    needed, there = each * parameters + _BYTES * kept, psutil.virtual_memory().total
    if needed > there:
        raise RecipeError(
            f"train: needs at least {needed / 1e9:,.0f} GB for {parameters / 1e6:,.0f} million "
            f"weights and micro-batches of {tokens:,} tokens; this machine has {there / 1e9:,.0f} "
            "GB. Lower train.micro_batch_size or train.max_seq_length, or take a smaller base."
        )


def peak_memory(device: Any) -> int | None:
    """Return bytes at the peak: of the device, or of this process where it is the CPU.

    None where the system does not tell.
    """
    if device.type == "cuda":
        import torch

        return int(torch.cuda.max_memory_allocated(device))
    if not _STATUS.exists():
        return None
    lines = _STATUS.read_text(encoding="ascii", errors="replace").splitlines()
    found = [line.split()[1] for line in lines if line.startswith("VmHWM:")]
    return int(found[0]) * 1024 if found else None

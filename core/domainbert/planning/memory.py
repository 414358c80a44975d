"""Peak memory of a piece of work, as the system counts it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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

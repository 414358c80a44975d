"""Numbers and errors on which all processes agree, so that no rank goes on or waits alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from domainbert.errors import (
    DataError,
    DomainBertError,
    FailedElsewhere,
    RunFailed,
    RunFolderError,
    StorageError,
    StorageFullError,
)

_LONGEST = 2000
_KINDS: tuple[Any, ...] = (
    RunFailed, RunFolderError, DataError, StorageError, StorageFullError, FailedElsewhere,
)  # fmt: skip


def all_reduce_sum(accelerator: Any, values: list[Any]) -> list[Any]:
    """Return the sums of numbers over all processes, in float64; of one process they are its own.

    Args:
        accelerator: The processes.
        values: Of this process; as many in each.
    """
    if accelerator.num_processes == 1:
        return values
    totals = torch.tensor(values, dtype=torch.float64, device=accelerator.device)
    return list(accelerator.reduce(totals, reduction="sum").tolist())


def all_reduce_max(accelerator: Any, number: float) -> float:
    """Return the highest number that any process has."""
    if accelerator.num_processes == 1:
        return number
    numbers = torch.tensor([number], dtype=torch.float64, device=accelerator.device)
    return float(accelerator.gather(numbers).max())


def broadcast_from_main(accelerator: Any, number: int) -> int:
    """Return the number that the main process has.

    Args:
        accelerator: The processes.
        number: Of this process; counts only in the main one.
    """
    (total,) = all_reduce_sum(accelerator, [number if accelerator.is_main_process else 0])
    return int(total)


def run_on_main(accelerator: Any, action: Callable[[], object]) -> None:
    """Let the main process do something, and all of them fail if it does.

    Raises:
        DomainBertError: What went wrong in the main process.
    """
    trouble = None
    if accelerator.is_main_process:
        try:
            action()
        except Exception as error:
            trouble = error
    fail_together(accelerator, trouble)


def fail_together(accelerator: Any, error: Exception | None) -> None:
    """Raise in every process what went wrong in the main one, if anything did.

    Args:
        accelerator: The processes.
        error: What the main process caught; None elsewhere.

    Raises:
        DomainBertError: The same message in all processes.
        FailedElsewhere: In all others, what nobody expected in the main one.
    """
    kind = 0
    if error is not None:
        other = RunFailed if isinstance(error, DomainBertError) else FailedElsewhere
        kind = 1 + _KINDS.index(type(error) if type(error) in _KINDS else other)
    kind = broadcast_from_main(accelerator, kind)
    if not kind:
        return
    # One byte per number: sums over processes, of which one has something to say, are its text.
    text = b"" if error is None else str(error).encode()[:_LONGEST]
    numbers = all_reduce_sum(accelerator, list(text.ljust(_LONGEST, b"\0")))
    if error is not None:
        raise error
    message = bytes(map(int, numbers)).rstrip(b"\0").decode(errors="replace")
    raise _KINDS[kind - 1](message)


def gathered(tensor: torch.Tensor) -> torch.Tensor:
    """Return a tensor itself, or the whole of one in shards, which all processes must ask for."""
    gather = getattr(tensor, "full_tensor", None)
    return tensor if gather is None else gather().cpu()


def placed(tensor: torch.Tensor, parameter: Any) -> torch.Tensor:
    """Return a tensor where a parameter is, and cut as that is cut."""
    mesh = getattr(parameter, "device_mesh", None)
    if mesh is None:
        return tensor.to(parameter.device)
    from torch.distributed.tensor import distribute_tensor

    here = tensor.to(parameter.to_local().device)
    return distribute_tensor(here, mesh, parameter.placements, src_data_rank=None)

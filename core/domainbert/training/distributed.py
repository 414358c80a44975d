"""Numbers and errors on which all processes agree, so that no rank goes on or waits alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

from collections.abc import Callable

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
_KINDS: tuple[type[DomainBertError], ...] = (
    RunFailed,
    RunFolderError,
    DataError,
    StorageError,
    StorageFullError,
    FailedElsewhere,
)


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
    told = torch.tensor([number], dtype=torch.float64, device=accelerator.device)
    return float(accelerator.gather(told).max())


def broadcast_from_main(accelerator: Any, number: int) -> int:
    """Return the number that the main process has.

    Args:
        accelerator: The processes.
        number: Of this process; counts only in the main one.
    """
    (told,) = all_reduce_sum(accelerator, [number if accelerator.is_main_process else 0])
    return int(told)


def run_on_main(
    accelerator: Any,
    action: Callable[[], object],
    meanwhile: Callable[[], object] | None = None,
) -> None:
    """Let the main process do something, and all of them fail if it does.

    Args:
        accelerator: The processes.
        action: What the main process does.
        meanwhile: What the others do.

    Raises:
        DomainBertError: What went wrong in the main process.
    """
    trouble = None
    if accelerator.is_main_process:
        try:
            action()
        except Exception as error:
            trouble = error
    elif meanwhile is not None:
        meanwhile()
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
    kind = 0 if error is None else 1
    if error is not None and not isinstance(error, DomainBertError):
        kind += _KINDS.index(FailedElsewhere)
    elif type(error) in _KINDS:
        kind += _KINDS.index(type(error))
    # One byte a number: sums over processes, of which one has something to say, are its text.
    text = b"" if error is None else str(error).encode()[:_LONGEST]
    kind = broadcast_from_main(accelerator, kind)
    if not kind:
        return
    if error is not None:
        _sum(accelerator, text)
        raise error
    message = _sum(accelerator, b"").decode(errors="replace")
    raise _KINDS[kind - 1](message)


def _sum(accelerator: Any, text: bytes) -> bytes:
    numbers = all_reduce_sum(accelerator, list(text.ljust(_LONGEST, b"\0")))
    return bytes(map(int, numbers)).rstrip(b"\0")


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

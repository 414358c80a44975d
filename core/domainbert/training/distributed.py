"""Numbers and errors on which all processes agree, so that no rank goes on or waits alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from accelerate.utils import broadcast_object_list

from domainbert import errors


def sum_dtype(accelerator: Any) -> torch.dtype:
    """Return the type that sums are kept in: float64, which Apple's GPUs do not have."""
    return torch.float32 if accelerator.device.type == "mps" else torch.float64


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


def broadcast_from_main(accelerator: Any, value: Any) -> Any:
    """Return the value that the main process has.

    Args:
        accelerator: The processes.
        value: Of this process; counts only in the main one.
    """
    values = [value]
    if accelerator.num_processes > 1:
        broadcast_object_list(values)
    return values[0]


def run_on_main(accelerator: Any, action: Callable[[], Any]) -> Any:
    """Let the main process do something; return its result in all, or fail in all.

    Raises:
        DomainBertError: What went wrong in the main process.
    """
    trouble = result = None
    if accelerator.is_main_process:
        try:
            result = action()
        except Exception as error:
            trouble = error
    fail_together(accelerator, trouble)
    return broadcast_from_main(accelerator, result)


def fail_together(accelerator: Any, error: Exception | None) -> None:
    """Raise in every process what went wrong in the main one, if anything did.

    Args:
        accelerator: The processes.
        error: What the main process caught; None elsewhere.

    Raises:
        DomainBertError: The same message in all processes.
        FailedElsewhere: In all others, what nobody expected in the main one.
    """
    mine = None if error is None else (type(error).__name__, str(error))
    trouble = broadcast_from_main(accelerator, mine)
    if error is not None:
        raise error
    if trouble is not None:
        raise getattr(errors, trouble[0], errors.FailedElsewhere)(trouble[1])


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

"""Tensors that lie in several processes, a part in each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


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

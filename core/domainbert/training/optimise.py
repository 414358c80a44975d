"""AdamW with proper parameter groups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import nn


def build_optimizer(
    model: nn.Module,
    betas: tuple[float, float],
    weight_decay: float,
    device: torch.device,
    scales: Mapping[str, float] | None = None,
) -> torch.optim.AdamW:
    """Return fused AdamW over the parameters that require a gradient.

    Vectors (biases, normalisation weights) are not decayed: decay would pull a scale of one
    towards zero.

    Args:
        model: Its parameters.
        betas: Decay rates of the averages.
        weight_decay: Of matrices.
        device: Where the parameters are.
        scales: Factor on the learning rate of each parameter by name; None is 1 for all.
    """
    groups: dict[tuple[float, bool], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            scale = scales[name] if scales else 1.0
            groups.setdefault((scale, parameter.ndim >= 2), []).append(parameter)
    return torch.optim.AdamW(
        [
            {"params": found, "weight_decay": weight_decay if decays else 0.0, "scale": scale}
            for (scale, decays), found in sorted(groups.items(), key=lambda item: item[0])[::-1]
        ],
        lr=0.0,  # set before each step by `set_rate`
        betas=betas,
        fused=device.type in {"cpu", "cuda"},
    )


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Set the learning rate of the next step."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["scale"]

"""Learning rates as a function of the step; nothing is remembered from step to step."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

import torch

if TYPE_CHECKING:
    from torch import nn

Schedule = Literal["linear", "constant", "cosine", "wsd"]


def learning_rate_at(
    step: int, total: int, peak: float, warmup: float, schedule: Schedule, decay: float = 0.1
) -> float:
    """Return the learning rate of a step.

    A falling rate would reach zero at step `total`, which is never taken: every step learns.

    Args:
        step: From 0.
        total: Steps in all.
        peak: Highest rate.
        warmup: Share of `total` with linear growth; the first step is above zero.
        schedule: After warm-up, `linear` and `cosine` fall to zero, `constant` stays
            at the peak, and `wsd` (warm-up, stable, decay) stays and falls at the end, as 1 − √t.
            Source of the last: Hägele et al. 2024 (arXiv 2405.18392), section 3.
        decay: Share of `total` in which `wsd` falls.
    """
    warm = round(warmup * total)
    if step < warm:
        return peak * (step + 1) / warm
    if schedule == "constant":
        return peak
    if schedule == "wsd":
        falling = min(round(decay * total), total - warm)
        fallen = max(0, step - (total - falling))
        return peak * (1 - math.sqrt(fallen / max(1, falling)))
    if schedule == "cosine":
        return peak * (1 + math.cos(math.pi * (step - warm) / (total - warm))) / 2
    return peak * (total - step) / max(1, total - warm)


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
    ordered = sorted(groups.items(), key=lambda item: item[0], reverse=True)
    parts = [
        {"params": part, "weight_decay": weight_decay if decays else 0.0, "scale": scale}
        for (scale, decays), part in ordered
    ]
    # The rate is set before each step by `set_rate`.
    return torch.optim.AdamW(parts, lr=0.0, betas=betas, fused=device.type in {"cpu", "cuda"})


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Set the learning rate of the next step."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["scale"]


def descend(loss: torch.Tensor, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """Take one step, with the norm of the gradient clipped to 1."""
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
    optimizer.step()

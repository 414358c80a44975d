"""AdamW with proper parameter groups, and a learning rate that is a function of the step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import nn


def build_optimizer(
    model: nn.Module, betas: tuple[float, float], weight_decay: float, device: torch.device
) -> torch.optim.AdamW:
    """Return fused AdamW over the parameters that require a gradient.

    Vectors (biases, normalisation weights) are not decayed: decay would pull a scale of one
    towards zero.
    """
    learning = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in learning if p.ndim >= 2], "weight_decay": weight_decay},
        {"params": [p for p in learning if p.ndim < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(
        [group for group in groups if group["params"]],
        lr=0.0,  # set before each step by `learning_rate_at`
        betas=betas,
        fused=device.type in {"cpu", "cuda"},
    )


def learning_rate_at(step: int, total: int, peak: float, warmup: float, schedule: str) -> float:
    """Return the learning rate of a step.

    Args:
        step: From 0.
        total: Steps in all.
        peak: Highest rate.
        warmup: Share of `total` with linear growth; the first step is above zero.
        schedule: `linear` falls to zero after the last step, `constant` stays at the peak.
    """
    warm = round(warmup * total)
    if step < warm:
        return peak * (step + 1) / warm
    if schedule == "constant":
        return peak
    return peak * (total - step) / max(1, total - warm)

"""Learning rates as a function of the step; nothing is remembered from step to step."""

from __future__ import annotations

import math
from typing import Literal

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
        schedule: After warm-up, `linear` falls in a line, `cosine` in half a wave, `constant` stays
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

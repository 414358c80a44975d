"""Which stretch of the endless order of sequences a step reads, with a batch that may grow.

A pure function of (settings, step): nothing is added up from step to step, so it costs the same at
step ten million as at step ten.
"""

from __future__ import annotations

from bisect import bisect_left

from domainbert.recipe.train import TrainSection


def batch_places(settings: TrainSection, step: int) -> tuple[int, int]:
    """Return the first place and the end of the global batch of a step.

    Batches follow each other without a gap, so every sequence is read once an epoch whatever the
    sizes.

    Args:
        settings: Batch size and ramp.
        step: From 0, over all phases.
    """
    return places_before(settings, step), places_before(settings, step + 1)


def places_before(settings: TrainSection, step: int) -> int:
    """Return how many sequences all steps before `step` read."""
    ramp = settings.batch_ramp
    if ramp is None:
        return step * settings.batch_size
    inside = min(step, ramp.steps)
    # Step t of the ramp reads `start` sequences 1 + floor(t · rise / steps) times.
    rise = settings.batch_size // ramp.start - 1
    grown = ramp.start * (inside + _floor_sum(inside, ramp.steps, rise))
    return grown + (step - inside) * settings.batch_size


def steps_to_read(settings: TrainSection, first: int, n_sequences: float) -> int:
    """Return the fewest steps, at least one, that read `n_sequences` from step `first` on."""
    start = places_before(settings, first)
    smallest = settings.batch_ramp.start if settings.batch_ramp else settings.batch_size
    most = max(1, -int(-n_sequences // smallest))
    return 1 + bisect_left(
        range(1, most),
        n_sequences,
        key=lambda count: places_before(settings, first + count) - start,
    )


def _floor_sum(count: int, divisor: int, factor: int) -> int:
    """Return the sum of floor(i · factor / divisor) over i = 0 … count - 1.

    By counting the points under a line, in steps like those of Euclid's algorithm.
    """
    total, offset = 0, 0
    while True:
        total += (factor // divisor) * count * (count - 1) // 2 + (offset // divisor) * count
        factor, offset = factor % divisor, offset % divisor
        reach = factor * count + offset
        if reach < divisor:
            return total
        count, offset = divmod(reach, divisor)
        divisor, factor = factor, divisor

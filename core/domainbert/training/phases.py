"""From the recipe's budget to phases of optimizer steps, with a batch that may grow."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

from domainbert.errors import RecipeError
from domainbert.recipe.budget import BUDGET_KEYS
from domainbert.recipe.train import TrainSection

HEAD_LEARNING_RATE = 1e-3
"""Peak rate of the head phase, in which nothing but a new head learns."""

MOST_STEPS = 10**8 - 1
"""Of a run: names of checkpoints have eight digits."""


@dataclass(frozen=True)
class Phase:
    """A stretch of steps in which the same parameters learn.

    Args:
        name: `head` (only the MLM head learns) or `full`.
        start: First step, counted over all phases.
        steps: How many.
        learning_rate: Peak rate.
    """

    name: str
    start: int
    steps: int
    learning_rate: float

    @property
    def stop(self) -> int:
        """One past the last step."""
        return self.start + self.steps


def head_phase(train: TrainSection) -> Phase:
    """Return the phase in which a new MLM head learns alone."""
    return Phase("head", 0, train.head_steps, HEAD_LEARNING_RATE)


def full_phase(train: TrainSection, first: int, steps: int) -> Phase:
    """Return the phase in which all parameters learn.

    Args:
        train: The recipe's section.
        first: Its first step.
        steps: From `count_steps`.

    Raises:
        RecipeError: More steps than a run can have.
    """
    phase = Phase("full", first, steps, train.learning_rate)
    _refuse_endless(train, phase.stop)
    return phase


def count_steps(
    train: TrainSection, size: tuple[int, int], first: int, seconds_per_token: float | None = None
) -> int:
    """Return the steps after the head phase: the fewest that reach the budget, at least one.

    Args:
        train: The recipe's section.
        size: Sequences of the training slice, and tokens in them with special tokens.
        first: Step that they begin with.
        seconds_per_token: What a token takes; needed for `minutes`.

    Raises:
        RecipeError: More steps than a run can have.
    """
    if train.steps is not None:
        return train.steps
    n_sequences, n_tokens = size
    if train.epochs is not None:
        _refuse_endless(train, train.epochs * n_sequences // train.batch_size)
        return steps_to_read(train, first, train.epochs * n_sequences)
    tokens: float | None = train.tokens
    if tokens is None:
        assert train.minutes is not None and seconds_per_token is not None  # noqa: S101
        tokens = train.minutes * 60 / seconds_per_token
    # Whole numbers of any size; the quotient below has to fit into a float.
    _refuse_endless(train, tokens * n_sequences // n_tokens // train.batch_size)
    return steps_to_read(train, first, tokens * n_sequences / n_tokens)


def _refuse_endless(train: TrainSection, steps: float) -> None:
    if not steps <= MOST_STEPS:  # also what is too large for a float, and so no number
        key = next(key for key in BUDGET_KEYS if getattr(train, key) is not None)
        raise RecipeError(
            f"train.{key}: comes to more than {MOST_STEPS:,} steps. Train for less, or raise "
            "`train.batch_size`."
        )


def check_shares(settings: TrainSection, processes: int) -> None:
    """Refuse a batch that processes cannot share evenly.

    Raises:
        RecipeError: A multiple of their number is needed.
    """
    ramp = settings.batch_ramp
    smallest = ramp.start if ramp else settings.batch_size
    if smallest % processes:
        key = "batch_ramp.start" if ramp else "batch_size"
        raise RecipeError(
            f"train.{key}: {smallest} is not a multiple of the {processes} processes, which share "
            "it evenly."
        )


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
    # Step t of the ramp reads `start` sequences 1 + floor(t · rise / steps) times: once more from
    # step ceil(k · steps / rise) on, for each k up to `rise`.
    rise = settings.batch_size // ramp.start - 1
    more = sum(max(0, inside + -k * ramp.steps // rise) for k in range(1, rise + 1))
    return ramp.start * (inside + more) + (step - inside) * settings.batch_size


def steps_to_read(settings: TrainSection, first: int, n_sequences: float) -> int:
    """Return the fewest steps, at least one, that read `n_sequences` from step `first` on."""
    start = places_before(settings, first)
    smallest = settings.batch_ramp.start if settings.batch_ramp else settings.batch_size
    most = max(1, -int(-n_sequences // smallest))
    counts = range(1, most)
    return 1 + bisect_left(
        counts, n_sequences, key=lambda count: places_before(settings, first + count) - start
    )

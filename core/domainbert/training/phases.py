"""From the recipe's budget to phases of optimizer steps."""

from __future__ import annotations

from dataclasses import dataclass

from domainbert.errors import RecipeError
from domainbert.recipe.budget import BUDGET_KEYS
from domainbert.recipe.train import TrainSection
from domainbert.training.batch_ramp import steps_to_read

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


@dataclass(frozen=True)
class CorpusSize:
    """The training slice.

    Args:
        n_sequences: Sequences in one epoch.
        n_tokens: Tokens in them, special tokens included.
    """

    n_sequences: int
    n_tokens: int

    @property
    def tokens_per_sequence(self) -> float:
        """Mean length of a sequence."""
        return self.n_tokens / self.n_sequences


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
    train: TrainSection, size: CorpusSize, first: int, seconds_per_token: float | None = None
) -> int:
    """Return the steps after the head phase: the fewest that reach the budget, at least one.

    Args:
        train: The recipe's section.
        size: The training slice.
        first: Step that they begin with.
        seconds_per_token: What a token takes; needed for `minutes`.

    Raises:
        RecipeError: More steps than a run can have.
    """
    if train.steps is not None:
        return train.steps
    if train.epochs is not None:
        _refuse_endless(train, train.epochs * size.n_sequences // train.batch_size)
        return steps_to_read(train, first, train.epochs * size.n_sequences)
    tokens: float | None = train.tokens
    if tokens is None:
        assert train.minutes is not None and seconds_per_token is not None  # noqa: S101
        tokens = train.minutes * 60 / seconds_per_token
    # Whole numbers of any size; the quotient below has to fit into a float.
    _refuse_endless(train, tokens * size.n_sequences // size.n_tokens // train.batch_size)
    return steps_to_read(train, first, tokens * size.n_sequences / size.n_tokens)


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
    key, smallest = (
        ("batch_ramp.start", ramp.start) if ramp else ("batch_size", settings.batch_size)
    )
    if smallest % processes:
        raise RecipeError(
            f"train.{key}: {smallest} cannot be shared by {processes} processes. Take a multiple "
            "of their number."
        )

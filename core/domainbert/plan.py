"""From the recipe's budget to phases of optimizer steps."""

from __future__ import annotations

import math
from dataclasses import dataclass

from domainbert.recipe_train import TrainSection


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


def plan_phases(train: TrainSection, n_sequences: int, new_head: bool) -> tuple[Phase, ...]:
    """Return the phases of training.

    Args:
        train: The recipe's section.
        n_sequences: Sequences in one epoch.
        new_head: Whether the head has to be trained from scratch first.
    """
    head_steps = train.head_steps if new_head else 0
    if train.steps is not None:
        full_steps = train.steps
    else:
        full_steps = max(1, math.ceil((train.epochs or 0) * n_sequences / train.batch_size))
    full = Phase("full", head_steps, full_steps, train.learning_rate)
    if head_steps == 0:
        return (full,)
    return (Phase("head", 0, head_steps, train.head_learning_rate), full)

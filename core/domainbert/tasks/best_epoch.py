"""The best epoch of a fine-tuning run by its score on validation, and when to stop."""

from __future__ import annotations

import torch
from torch import nn


class BestEpoch:
    """Keeps the weights of the epoch with the highest score; of equal ones, the first.

    Args:
        per_epoch: Steps of one pass over the training split.
        total: Steps of the run; the last also ends an epoch.
        patience: Epochs without a higher score after which the run is over; None for all.
    """

    def __init__(self, per_epoch: int, total: int, patience: int | None) -> None:
        self._per_epoch, self._total, self._patience = per_epoch, total, patience
        self._epoch = self._best = 0
        self._score = float("-inf")
        self._weights: dict[str, torch.Tensor] = {}

    def is_due(self, step: int) -> bool:
        """Tell whether an epoch ends with this step, from 1."""
        return step % self._per_epoch == 0 or step == self._total

    def look(self, score: float, model: nn.Module) -> None:
        """Take note of the score at the end of an epoch."""
        self._epoch += 1
        if score > self._score:
            self._score, self._best = score, self._epoch
            self._weights = {key: value.clone() for key, value in model.state_dict().items()}

    @property
    def is_over(self) -> bool:
        """Whether the score has not risen for too long."""
        return self._patience is not None and self._epoch - self._best >= self._patience

    def restore(self, model: nn.Module) -> int:
        """Give a model the weights of the best epoch, and return its number, from 1."""
        model.load_state_dict(self._weights)
        return self._best

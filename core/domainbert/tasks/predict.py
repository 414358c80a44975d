"""Predictions of a fine-tuned model for validation and test split.

Legend: B windows of a batch, L padded length, X rows of scores, C outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from domainbert.batching import batched
from domainbert.errors import RunFailed
from domainbert.model.classifier import Classifier
from domainbert.model.load import longest_sequence
from domainbert.plugin.components import LoadedTask, Predictions, TaskKind
from domainbert.plugin.domain import Window
from domainbert.plugin.registry import calling
from domainbert.recipe.sections import EvaluateSection
from domainbert.tasks.metrics.score import kind_of
from domainbert.tasks.window import pad_windows

EVALUATED = ("validation", "test")
_BATCH = 64


@dataclass(frozen=True)
class Device:
    """Where and how to compute.

    Args:
        device: Torch device.
        bf16: Whether matrix products run in bf16.
        check_stop: Called between steps; raises if a signal asked to stop.
    """

    device: torch.device
    bf16: bool
    check_stop: Callable[[], None]

    def autocast(self) -> AbstractContextManager[Any]:
        """Return the context in which forward passes run."""
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.bf16)


@dataclass(frozen=True)
class Tuned:
    """A fine-tuned model and what it needs to predict.

    Args:
        model: In evaluation mode.
        tokenizer: Of its checkpoint.
        pad: Id of its padding token.
        loaded: The task that it learned.
        settings: Settings of fine-tuning.
        device: Where it computes.
    """

    model: Classifier
    tokenizer: Any
    pad: int
    loaded: LoadedTask
    settings: EvaluateSection
    device: Device

    @property
    def kind(self) -> TaskKind:
        """The kind of the task."""
        return kind_of(self.loaded.task)


def predict(tuned: Tuned) -> Predictions:
    """Return the predictions for validation and test split, in the order of their records.

    Raises:
        RunFailed: A score is not finite, or the task's kind fails.
    """
    splits = {split: tuned.loaded.splits[split] for split in EVALUATED}
    return predict_records(tuned, splits)


def predict_records(tuned: Tuned, splits: Mapping[str, Sequence[Any]]) -> Predictions:
    """Return predictions for records; `validation` must be among them for multi-label tasks."""
    scores = {split: score_windows(tuned, records) for split, records in splits.items()}
    with calling(tuned.kind):
        return tuned.kind.decode(tuned.loaded.task, splits, scores)


def score_windows(tuned: Tuned, records: Sequence[Any]) -> tuple[list[Window], NDArray[np.float32]]:
    """Return the windows of records, shortest first, and the scores of their rows, (X, C)."""
    windows = sorted(encode(tuned, records), key=lambda window: len(window.input_ids))
    parts = [np.zeros((0, tuned.model.classifier.out_features), np.float32)]
    for batch in batched(windows, _BATCH):
        tuned.device.check_stop()
        with torch.inference_mode():
            parts.append(score_batch(tuned, batch).cpu().numpy())
        if not np.isfinite(parts[-1]).all():
            raise RunFailed(
                f"task {tuned.loaded.task.name!r}: the fine-tuned model gives scores that are not "
                "finite. Lower `evaluate.learning_rate`."
            )
    return windows, np.concatenate(parts)


def encode(tuned: Tuned, records: Sequence[Any]) -> list[Window]:
    """Return the windows of records that fit the model."""
    with calling(tuned.kind):
        return tuned.kind.encode(records, tuned.tokenizer, tuned.settings)


def score_batch(tuned: Tuned, batch: Sequence[Window]) -> torch.Tensor:
    """Return the scores of a batch's words or records, float32, shape (X, C)."""
    ids_BL, mask_BL = pad_windows(batch, tuned.pad, longest_sequence(tuned.model.encoder))
    ids_BL, mask_BL = ids_BL.to(tuned.device.device), mask_BL.to(tuned.device.device)
    with tuned.device.autocast(), calling(tuned.kind):
        scores_XC: torch.Tensor = tuned.kind.forward(tuned.model, ids_BL, mask_BL, batch)
        return scores_XC


def count_long(tuned: Tuned, split: str) -> int:
    """Return how many texts of a split are longer than one window; 0 where none is cut."""
    with calling(tuned.kind):
        records = tuned.loaded.splits[split]
        return tuned.kind.count_long(records, tuned.tokenizer, tuned.settings.max_seq_length)

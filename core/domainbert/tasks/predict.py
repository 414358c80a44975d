"""Predictions of a fine-tuned model for validation and test split.

Legend: B windows of a batch, L padded length, X rows of scores, C outputs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from domainbert.batching import batched
from domainbert.errors import RunFailed
from domainbert.model.classifier import Classifier
from domainbert.model.load import longest_sequence
from domainbert.plugin.components import LoadedTask, Predictions, TaskKind
from domainbert.plugin.domain import Window
from domainbert.plugin.registry import calling
from domainbert.recipe.sections import EvaluateSection
from domainbert.run.session import Session
from domainbert.training.data.batch import padded_length

_BATCH = 64


@dataclass(frozen=True)
class Tuned:
    """A fine-tuned model and what it needs to predict.

    Args:
        model: In evaluation mode.
        tokenizer: Of its checkpoint.
        pad: Id of its padding token.
        kind: Kind of the task.
        loaded: The task that it learned.
        settings: Settings of fine-tuning.
        session: Device, precision and stop signal.
    """

    model: Classifier
    tokenizer: Any
    pad: int
    kind: TaskKind
    loaded: LoadedTask
    settings: EvaluateSection
    session: Session


def predict(tuned: Tuned, splits: Mapping[str, Sequence[Any]] | None = None) -> Predictions:
    """Return predictions per split, in the order of the records.

    Args:
        tuned: The model.
        splits: Records, `validation` among them; else those of the task's validation and test.

    Raises:
        RunFailed: A score is not finite, or the task's kind fails.
    """
    splits = splits or {name: tuned.loaded.splits[name] for name in ("validation", "test")}
    scores = {name: score_records(tuned, records) for name, records in splits.items()}
    with calling(tuned.kind):
        return tuned.kind.decode(tuned.loaded.task, splits, scores)


def score_records(tuned: Tuned, records: Sequence[Any]) -> tuple[list[Window], NDArray[np.float32]]:
    """Return the windows of records, shortest first, and the scores of their rows, (X, C)."""
    windows = sorted(encode(tuned, records), key=lambda window: len(window.input_ids))
    parts = [np.zeros((0, tuned.model.classifier.out_features), np.float32)]
    for batch in batched(windows, _BATCH):
        tuned.session.check_stop()
        with torch.inference_mode():
            parts.append(score_batch(tuned, batch).cpu().numpy())
        if not np.isfinite(parts[-1]).all():
            task = f"task {tuned.loaded.task.name!r}"
            raise RunFailed(f"{task}: scores that are not finite. Lower `evaluate.learning_rate`.")
    return windows, np.concatenate(parts)


def encode(tuned: Tuned, records: Sequence[Any]) -> list[Window]:
    """Return the windows of records that fit the model."""
    with calling(tuned.kind):
        return tuned.kind.encode(records, tuned.tokenizer, tuned.settings)


def score_batch(tuned: Tuned, batch: Sequence[Window]) -> Tensor:
    """Return the scores of a batch's words or records, float32, shape (X, C)."""
    device = tuned.session.accelerator.device
    ids_BL, mask_BL = pad_windows(batch, tuned.pad, longest_sequence(tuned.model.encoder))
    bf16 = torch.autocast(device.type, dtype=torch.bfloat16, enabled=tuned.session.bf16)
    with bf16, calling(tuned.kind):
        ids_BL, mask_BL = ids_BL.to(device), mask_BL.to(device)
        return torch.as_tensor(tuned.kind.forward(tuned.model, ids_BL, mask_BL, batch))


def pad_windows(batch: Sequence[Window], pad: int, longest: int) -> tuple[Tensor, Tensor]:
    """Return token ids and attention mask of a batch; int64, shape (B, L).

    Args:
        batch: Windows, at least one.
        pad: Id of the padding token.
        longest: Tokens that the model reads.
    """
    length = padded_length(max(len(window.input_ids) for window in batch), longest)
    sizes_B = torch.tensor([len(window.input_ids) for window in batch])
    mask_BL = (torch.arange(length) < sizes_B[:, None]).long()
    ids_BL = torch.full_like(mask_BL, pad)
    ids_BL[mask_BL > 0] = torch.tensor([i for window in batch for i in window.input_ids])
    return ids_BL, mask_BL

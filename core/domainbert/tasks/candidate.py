"""An encoder with a head for a task, and its scores of the task's windows.

Legend: B windows of a batch, L padded length, X rows of scores, C outputs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from domainbert.errors import RunFailed
from domainbert.model.classifier import TaskModel, load_classifier
from domainbert.model.load import check_length, longest_sequence
from domainbert.model.lora import TakenAdapter
from domainbert.plugin.components import LoadedTask, Predictions, TaskKind
from domainbert.plugin.domain import Window
from domainbert.plugin.registry import calling
from domainbert.recipe.evaluate import EvaluateSection
from domainbert.run.session import Session
from domainbert.tasks.learning import scored_in_batches
from domainbert.tasks.metrics.score import kind_of, primary_metric, score
from domainbert.tokenizer.load import load_tokenizer, special_tokens
from domainbert.training.data.batch import padded_length


@dataclass(frozen=True)
class Candidate:
    """A model for a task, and the task in its tokens: made once for all seeds.

    Args:
        model: With the encoder as its checkpoint has it, or fine-tuned, in evaluation mode.
        tokenizer: Of its checkpoint.
        pad: Id of its padding token.
        kind: Kind of the task.
        loaded: The task.
        settings: Settings of fine-tuning.
        session: Device, precision and stop signal.
        windows: Of the records of each split that is used.
        adapter: With `method: lora`, the matrices that the weights of the encoder got in the end.
        epoch: With `epoch: best`, the one whose weights these are, from 1.
        units: Mean and spread of the targets that the model gives standardised, or None.
    """

    model: TaskModel
    tokenizer: Any
    pad: int
    kind: TaskKind
    loaded: LoadedTask
    settings: EvaluateSection
    session: Session
    windows: Mapping[str, list[Window]]
    adapter: TakenAdapter | None = None
    epoch: int | None = None
    units: tuple[float, float] | None = None


def prepare(
    folder: Path,
    loaded: LoadedTask,
    settings: EvaluateSection,
    session: Session,
    splits: Sequence[str] = ("validation", "test"),
) -> Candidate:
    """Load an encoder and encode a task for it.

    Args:
        folder: Checkpoint with encoder and tokenizer.
        loaded: The task.
        settings: Epochs, batch size, rates, window length.
        session: Device, precision and stop signal.
        splits: Those to predict.

    Raises:
        BaseModelError: The folder holds no encoder that can be fine-tuned.
        RunFailed: The task's kind fails.
    """
    kind, tokenizer = kind_of(loaded.task), load_tokenizer(folder)
    with calling(kind):
        n_outputs = len(kind.outputs(loaded.task))
    model = load_classifier(folder, n_outputs, kind.head(settings))
    model = model.to(session.accelerator.device)
    check_length(model.encoder, settings.max_seq_length, "evaluate.max_seq_length")
    with calling(kind):
        windows = {
            name: kind.encode(loaded.splits[name], tokenizer, settings)
            for name in (*(["train"] if kind.learns else []), *splits)
        }
    if kind.learns and not windows["train"]:
        raise RunFailed(f"task {loaded.task.name!r}: its kind gives no window to learn from.")
    pad = special_tokens(tokenizer).pad
    return Candidate(model.eval(), tokenizer, pad, kind, loaded, settings, session, windows)


def validation_score(tuned: Candidate) -> float:
    """Return the primary metric on validation; the model may be one that is learning."""
    was_training = tuned.model.training
    tuned.model.eval()
    predictions = predict(tuned, ["validation"])["validation"]
    tuned.model.train(was_training)
    task = tuned.loaded.task
    return score(task, predictions)[primary_metric(task).name]


def predict(tuned: Candidate, splits: Sequence[str] = ()) -> Predictions:
    """Return predictions per split, in the order of the records.

    Args:
        tuned: The model.
        splits: Their names; without any, all that were encoded but train.

    Raises:
        RunFailed: A score is not finite, or the task's kind fails.
    """
    names = splits or [name for name in tuned.windows if name != "train"]
    scores = {name: score_windows(tuned, tuned.windows[name]) for name in names}
    records = {name: tuned.loaded.splits[name] for name in names}
    with calling(tuned.kind):
        return tuned.kind.decode(tuned.loaded.task, records, scores)


def score_windows(
    tuned: Candidate, windows: list[Window]
) -> tuple[list[Window], NDArray[np.float32]]:
    """Return windows, shortest first, and the scores of their rows in the task's units, (X, C)."""

    def rows(batch: list[Window]) -> Tensor:
        tuned.session.check_stop()
        scores_XC = score_batch(tuned, batch)
        if not torch.isfinite(scores_XC).all():
            task = f"task {tuned.loaded.task.name!r}"
            cure = " Lower `evaluate.learning_rate`." if tuned.kind.learns else ""
            raise RunFailed(f"{task}: scores that are not finite.{cure}")
        return scores_XC

    windows, scores_XC = scored_in_batches(windows, tuned.model.n_outputs, rows)
    if tuned.units is None:
        return windows, scores_XC
    mean, spread = tuned.units
    return windows, (scores_XC.astype(np.float64) * spread + mean).astype(np.float32)


def score_batch(tuned: Candidate, batch: Sequence[Window]) -> Tensor:
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

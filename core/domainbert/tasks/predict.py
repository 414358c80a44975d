"""What a fine-tuned model says of validation and test split.

Legend: B windows of a batch, L padded length, W scored words of the batch, C outputs, N records.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from domainbert.batching import batched
from domainbert.errors import RunFailed
from domainbert.model.classifier import Classifier
from domainbert.model.load import longest_sequence
from domainbert.recipe.sections import EvaluateSection
from domainbert.tasks.kinds.classification import average_windows, count_long, decide, text_windows
from domainbert.tasks.kinds.tagging import word_windows
from domainbert.tasks.load import LoadedTask
from domainbert.tasks.metrics.score import Prediction
from domainbert.tasks.window import Window, pad_windows


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
        task: What it learned.
        settings: How.
        device: Where it computes.
    """

    model: Classifier
    tokenizer: Any
    pad: int
    task: LoadedTask
    settings: EvaluateSection
    device: Device

    @property
    def parameters(self) -> int:
        """Number of weights of the encoder."""
        return sum(parameter.numel() for parameter in self.model.encoder.parameters())


def predict(tuned: Tuned) -> dict[str, tuple[Prediction, ...]]:
    """Return the predictions for validation and test split, in the order of their records.

    Raises:
        RunFailed: A score is not finite.
    """
    splits = {split: tuned.task.splits[split] for split in ("validation", "test")}
    if tuned.task.scoring.kind == "classification":
        return decide(tuned.task, {s: score_texts(tuned, r) for s, r in splits.items()})
    return {
        split: tuple(
            Prediction(sentence.tags, tuple(tags), words=sentence.words)
            for sentence, tags in zip(sentences, tag_words(tuned, sentences), strict=True)
        )
        for split, sentences in splits.items()
    }


def tag_words(tuned: Tuned, sentences: Sequence[Any]) -> list[list[str]]:
    """Return a tag for every word of every sentence; gold tags are not looked at."""
    tags = [["O"] * len(sentence.words) for sentence in sentences]
    outputs = tuned.task.outputs
    for batch, scores_WC in _scores(tuned, make_windows(tuned, sentences)):
        best_W = iter(scores_WC.argmax(axis=1).tolist())
        for window in batch:
            for word in window.words:
                tags[window.record][word] = outputs[next(best_W)]
    return tags


def score_texts(tuned: Tuned, examples: Sequence[Any]) -> Any:
    """Return the scores of each example and class; float32, shape (N, C)."""
    read = list(_scores(tuned, make_windows(tuned, examples)))
    windows = [window for batch, _ in read for window in batch]
    return average_windows(windows, np.concatenate([s for _, s in read]), len(examples))


def long_texts(tuned: Tuned, split: str) -> int:
    """Return how many texts of a split are longer than one window; 0 for tagging."""
    if tuned.task.scoring.kind == "tagging":
        return 0
    return count_long(tuned.task.splits[split], tuned.tokenizer, tuned.settings.max_seq_length)


def make_windows(tuned: Tuned, records: Sequence[Any]) -> list[Window]:
    """Cut records to what the model reads."""
    length = tuned.settings.max_seq_length
    if tuned.task.scoring.kind == "tagging":
        return word_windows(records, tuned.tokenizer, length)
    return text_windows(records, tuned.tokenizer, length, tuned.settings.long_texts)


def score_batch(tuned: Tuned, batch: Sequence[Window]) -> torch.Tensor:
    """Return scores of the batch's words, shape (W, C), or of its texts, shape (B, C)."""
    device = tuned.device.device
    ids_BL, mask_BL = pad_windows(batch, tuned.pad, longest_sequence(tuned.model.encoder))
    ids_BL, mask_BL = ids_BL.to(device), mask_BL.to(device)
    with tuned.device.autocast():
        if tuned.task.scoring.kind == "classification":
            return tuned.model.score_texts(ids_BL, mask_BL)
        rows = [row for row, window in enumerate(batch) for _ in window.words]
        columns = [place for window in batch for place in window.positions]
        rows_W, columns_W = torch.tensor([rows, columns], dtype=torch.long, device=device)
        return tuned.model.score_words(ids_BL, mask_BL, rows_W, columns_W)


def _scores(tuned: Tuned, windows: list[Window]) -> Iterator[tuple[list[Window], Any]]:
    for batch in batched(sorted(windows, key=lambda w: len(w.input_ids)), 64):
        tuned.device.check_stop()
        with torch.inference_mode():
            scores = score_batch(tuned, batch).cpu().numpy()
        if not np.isfinite(scores).all():
            raise RunFailed(
                f"task {tuned.task.name!r}: the fine-tuned model gives scores that are not finite. "
                "Lower `evaluate.learning_rate`."
            )
        yield batch, scores

"""What learns in fine-tuning, for how many steps, and in which order the records come."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import count
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from domainbert.batching import batched
from domainbert.keyed_random import derive_key, permute
from domainbert.model.classifier import TaskModel
from domainbert.model.lora import put_lora
from domainbert.model.masked_lm import set_dropout
from domainbert.plugin.components import LoadedTask, TaskKind
from domainbert.plugin.domain import Window
from domainbert.recipe.evaluate import EvaluateSection
from domainbert.recipe.lora import LoraSection

# Batches of similar length are cut from pools of this many batches.
_POOL = 16
_PREDICTED = 64


def choose_learning(model: TaskModel, settings: EvaluateSection, seed: int) -> Any:
    """Let the whole model learn, or its head and an adapter, or the head alone.

    Returns:
        The adapter around the encoder, or None.
    """
    encoder, adapter = model.encoder, None
    if settings.method == "full":
        return None
    encoder.requires_grad_(False)
    if settings.method == "lora":
        section = settings.lora or LoraSection()
        adapter = put_lora(encoder, section, seed, key="evaluate")
    else:
        set_dropout(encoder, 0.0)  # what does not learn needs no noise
    for name, parameter in encoder.named_parameters():
        if name.startswith("pooler."):  # a part of the head that transformers keeps there
            parameter.requires_grad_(True)
    return adapter


def count_steps(settings: EvaluateSection, per_epoch: int) -> int:
    """Return the number of optimizer steps of a trial.

    Args:
        settings: `steps`, or `epochs` with `min_steps`.
        per_epoch: Steps of one pass over the training split.
    """
    return settings.steps or max(settings.epochs * per_epoch, settings.min_steps)


def unfreeze(model: TaskModel, depth: dict[str, int], thirds: int) -> None:
    """Let the classifier learn alone at first, and one layer more with each third of an epoch.

    Gradual unfreezing as in FinBERT (Araci 2019, arXiv 1908.10063).
    """
    lowest = max(depth.values()) - thirds
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(depth[name] >= lowest)


def batches_of(windows: list[Window], size: int, seed: int) -> Iterator[list[Window]]:
    """Yield the batches of all epochs, without end."""
    for epoch in count():
        yield from _epoch(windows, size, seed, epoch)


def _epoch(windows: list[Window], size: int, seed: int, epoch: int) -> list[list[Window]]:
    """Return the batches of an epoch: shuffled, of similar lengths within a batch."""
    order = permute(np.arange(len(windows)), len(windows), derive_key("order", seed, epoch))
    batches = of_similar_length((windows[i] for i in order), size)
    shuffled = permute(np.arange(len(batches)), len(batches), derive_key("batches", seed, epoch))
    return [batches[number] for number in shuffled]


def of_similar_length(ordered: Iterable[Window], size: int) -> list[list[Window]]:
    """Return batches in which windows have similar lengths; their order is that of the pools."""
    batches: list[list[Window]] = []
    for pool in batched(ordered, size * _POOL):
        batches += batched(sorted(pool, key=lambda w: len(w.input_ids)), size)
    return batches


def scored_in_batches(
    windows: Sequence[Window], n_outputs: int, score: Callable[[list[Window]], Tensor]
) -> tuple[list[Window], NDArray[np.float32]]:
    """Return windows, shortest first, and the scores of their rows, (X, C).

    Args:
        windows: Of a split; none give no row.
        n_outputs: C of no rows.
        score: A batch to its rows.
    """
    ordered = sorted(windows, key=lambda window: len(window.input_ids))
    parts = list[NDArray[np.float32]]()
    for batch in batched(ordered, _PREDICTED):
        with torch.inference_mode():
            parts.append(score(batch).cpu().numpy())
    return ordered, np.concatenate(parts) if parts else np.zeros((0, n_outputs), np.float32)


def with_class_weights(
    windows: Sequence[Window], kind: TaskKind, loaded: LoadedTask
) -> list[Window]:
    """Return windows of the training split whose records weigh N / (K · records of their class).

    As scikit-learn's `balanced`: N records, K classes that occur; the mean weight is 1. Where a
    kind weighs words, they are the records, and their outputs the classes.
    """
    train = loaded.splits["train"]
    if kind.weighs_words:
        gold = kind.targets(loaded.task, train)
        weigh = _balanced([output for record in gold for output in record])
        return [
            replace(w, word_weights=tuple(weigh[gold[w.record][word]] for word in w.words))
            for w in windows
        ]
    labels = [tuple(kind.labels(record)) for record in train]
    weigh = _balanced(labels)
    return [replace(w, weight=w.weight * weigh[labels[w.record]]) for w in windows]


def _balanced(classes: Sequence[Any]) -> dict[Any, float]:
    """Return the weight of each class."""
    share = Counter(classes)
    return {name: len(classes) / (len(share) * count) for name, count in share.items()}

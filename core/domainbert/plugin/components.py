"""The parts that core and plugins add: one record per kind, yielded from `domainbert_components`.

A record is light to make: its functions import what they need when they are called.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from domainbert.plugin.domain import Document


@dataclass(frozen=True)
class TaskKind:
    """A kind of task, such as `tagging`."""

    name: str


@dataclass(frozen=True)
class Metric:
    """A score of predictions, such as `accuracy`."""

    name: str


@dataclass(frozen=True)
class Baseline:
    """A predictor without a neural network, such as `majority`."""

    name: str
    predict: Callable[[Any, int], Any]


@dataclass(frozen=True)
class CorpusReader:
    """A format of unlabelled text, such as `jsonl`.

    Args:
        name: `corpus[].format` in a recipe.
        suffixes: File names that it reads without `format:`, such as `.md`.
        read: File to documents, streaming.
    """

    name: str
    suffixes: tuple[str, ...]
    read: Callable[[Path], Iterable[Document]]


@dataclass(frozen=True)
class CorpusStep:
    """A step from documents to documents, such as `exact-duplicates`.

    Args:
        name: Item of `corpus_steps` in a recipe.
        apply: Documents and a counter of what it drops or changes, by reason; yields documents.
    """

    name: str
    apply: Callable[[Iterable[Document], Counter[str]], Iterable[Document]]


@dataclass(frozen=True)
class Objective:
    """A training loss, such as `masked-lm`: the exact mean of its terms in an optimizer step.

    Args:
        name: Item of `train.objectives` in a recipe.
        count: Number of terms in a micro-batch (`MicroBatch`).
        loss: Sum of these terms, a scalar tensor, from what the model computed (`Forward`).
        prepare: Called once with the `Job`, before training, with the weights of the base. It may
            refuse the job; what it returns, such as a frozen teacher, is `Forward.prepared`.
        head: Makes from the `Job` a module that learns and is kept in checkpoints, but not
            exported; it is `Forward.head`.
        frame: Reads a sequence (`SequenceKey`, `Job`) as this objective needs it; a `Frame`.
        metric: Key of the mean in `metrics.jsonl`; `NAME_loss` if empty.
    """

    name: str
    count: Callable[[Any], int]
    loss: Callable[[Any], Any]
    prepare: Callable[[Any], Any] | None = None
    head: Callable[[Any], Any] | None = None
    frame: Callable[[Any, Any], Any] | None = None
    metric: str = ""

    @property
    def metrics_key(self) -> str:
        """Key of the mean in `metrics.jsonl`."""
        return self.metric or f"{self.name.replace('-', '_')}_loss"


KINDS: tuple[type, ...] = (TaskKind, Metric, Baseline, CorpusReader, CorpusStep, Objective)
"""Record types that `domainbert_components` may yield."""

Component = TaskKind | Metric | Baseline | CorpusReader | CorpusStep | Objective
Records = Sequence[Component]

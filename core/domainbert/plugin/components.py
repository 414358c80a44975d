"""The parts that core and plugins add: one record per kind, yielded from `domainbert_components`.

A record is light to make: its functions import what they need when they are called.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
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
        suffixes: File names that it reads without `format:`, such as `.md`; also `.md.gz`.
        read: Called with a file and the options `text_field` and `text_unit` of the recipe, which
            it may ignore; yields documents.
    """

    name: str
    suffixes: tuple[str, ...]
    read: Callable[[Path, Mapping[str, str]], Iterable[Document]]


@dataclass(frozen=True)
class CorpusStep:
    """A step from documents to documents, such as `exact-duplicates`.

    Args:
        name: Item of `corpus_steps` in a recipe.
        apply: Called with documents and a counter by reason, which it adds to; yields documents.
            Those without text are dropped behind it, and counted as `empty`.
    """

    name: str
    apply: Callable[[Iterable[Document], Counter[str]], Iterable[Document]]


@dataclass(frozen=True)
class Objective:
    """A training loss, such as `masked-lm`."""

    name: str


KINDS: tuple[type, ...] = (TaskKind, Metric, Baseline, CorpusReader, CorpusStep, Objective)
"""Record types that `domainbert_components` may yield."""

Component = TaskKind | Metric | Baseline | CorpusReader | CorpusStep | Objective
Records = Sequence[Component]

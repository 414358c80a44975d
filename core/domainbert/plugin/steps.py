"""The parts between files and tokens: readers of text, and steps from documents to documents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from domainbert.errors import PluginError
from domainbert.plugin.domain import Document


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


class Drops(Counter[str]):
    """Counts of a step by reason, with some of the documents that it dropped.

    Attributes:
        examples: Reason, document and note of the first three of each reason.
        dropped: Documents that the step took and did not yield.
        once: What it counts once, whatever the documents are.
    """

    examples: list[tuple[str, Document, str]]
    dropped: int
    once: dict[str, int]

    def __init__(self) -> None:
        super().__init__()
        self.examples, self.dropped, self.once = [], 0, {}

    @property
    def reasons(self) -> dict[str, int]:
        """Number per reason, those of zero left out."""
        return {name: number for name, number in [*self.once.items(), *self.items()] if number}

    def drop(self, document: Document, reason: str, note: str = "") -> None:
        """Count a document that the step does not yield, and keep the first three per reason."""
        self.keep(document, reason, note)
        self[reason] += 1

    def keep(self, document: Document, reason: str, note: str = "") -> None:
        """Keep a document as an example, if it is one of the first three of its reason."""
        if sum(kept == reason for kept, _, _ in self.examples) < _EXAMPLES:
            self.examples.append((reason, document, note))


_EXAMPLES = 3

Apply = Callable[[Iterable[Document], Drops], Iterable[Document]]
"""Documents and counts by reason, to which it adds, to the documents that are left."""


@dataclass(frozen=True)
class StepContext:
    """What a step can know of its recipe.

    Args:
        evaluation: Texts of validation and test of all tasks.
        training: Texts of their training splits.
        terms: The lexicon of the domain; empty if there is none.
    """

    evaluation: tuple[str, ...] = ()
    training: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()


@dataclass(frozen=True)
class CorpusStep:
    """A step from documents to documents, such as `exact-duplicates`.

    Args:
        name: Item of `corpus_steps` in a recipe.
        apply: Called with documents and a counter by reason (`Drops`), which it adds to; yields
            documents. Those without text are dropped behind it, and counted as `empty`.
        make: In place of `apply`, for a step with options: called with them and with what it can
            know of the recipe (`StepContext`), returns `apply`. It raises `ValueError` for options
            that it cannot take.
        apart: Whether it looks at each document alone. Such steps at the beginning of
            `corpus_steps` run on parts of a corpus at the same time.
        options: Makes the options from the keys that the recipe gives beside the name; a pydantic
            model, or any function that raises `ValueError`.
        reads: Fields of `StepContext` that `make` needs: the others are empty, and the corpus is
            built again when these change.
    """

    name: str
    apply: Apply | None = None
    make: Callable[[Any, StepContext], Apply] | None = None
    options: Callable[..., Any] | None = None
    reads: tuple[str, ...] = ()
    apart: bool = False

    def __post_init__(self) -> None:
        if (self.apply is None) == (self.make is None):
            raise PluginError(f"corpus step {self.name!r}: give `apply` or `make`, one of the two.")

"""Steps from documents to documents, in the order of `corpus_steps:`, with counts by reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial

from domainbert.errors import DataError, PluginError, RecipeError, RunFailed
from domainbert.plugin.components import CorpusStep
from domainbert.plugin.domain import Document
from domainbert.plugin.registry import component, stream

Counts = dict[str, Counter[str]]
"""Reason → number of documents (or whatever a step counts), per step."""


def find_steps(names: Iterable[str]) -> tuple[CorpusStep, ...]:
    """Return the steps of a recipe.

    Raises:
        RecipeError: No plugin provides one of them.
    """
    steps = []
    for number, name in enumerate(names):
        try:
            steps.append(component(CorpusStep, name))
        except PluginError as error:
            raise RecipeError(f"corpus_steps.{number}: {error}") from None
    return tuple(steps)


def run_steps(
    documents: Iterable[Document], steps: Iterable[CorpusStep], counts: Counts
) -> Iterator[Document]:
    """Yield what all steps leave of the documents; each drops blank texts as `empty`.

    Args:
        documents: As read.
        steps: Applied one after the other, streaming.
        counts: Receives the counts of each step.

    Raises:
        DataError: A step fails or yields something else; with the document that it had taken.
    """
    stream = iter(documents)
    for step in steps:
        stream = _apply(step, stream, counts.setdefault(step.name, Counter()))
    return stream


def _apply(
    step: CorpusStep, documents: Iterator[Document], reasons: Counter[str]
) -> Iterator[Document]:
    source = "before any document"

    def taken() -> Iterator[Document]:
        nonlocal source
        for document in documents:
            source = document.source
            yield document

    try:
        for document in stream(step, partial(step.apply, taken(), reasons), Document):
            if document.text and not document.text.isspace():
                yield document
            else:
                reasons["empty"] += 1
    except RunFailed as error:
        raise DataError(f"{source}: {error}") from error.__cause__

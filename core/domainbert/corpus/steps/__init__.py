"""Steps from documents to documents, in the order of `corpus_steps:`, with counts by reason."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

from pydantic import ValidationError

from domainbert.errors import DataError, PluginError, RecipeError, RunFailed
from domainbert.plugin.domain import Document
from domainbert.plugin.registry import calling, component, stream
from domainbert.plugin.steps import Apply, CorpusStep, Drops, StepContext
from domainbert.recipe.corpus import StepSection
from domainbert.storage.files import sha256_of

Counts = dict[str, Drops]
"""Reason → number of documents (or whatever a step counts), per step."""


class ReadyStep(NamedTuple):
    """A step with its options.

    Args:
        record: The component.
        apply: What it does.
        facts: Hashes of what it read of the recipe's tasks and domain.
    """

    record: CorpusStep
    apply: Apply
    facts: Mapping[str, str] = MappingProxyType({})


def find_steps(
    items: Iterable[str | StepSection], context: StepContext | None = None
) -> tuple[ReadyStep, ...]:
    """Return the steps of a recipe.

    Args:
        items: Names, or names with options.
        context: What steps can know of the recipe.

    Raises:
        RecipeError: No plugin provides one of them, or it does not take its options.
    """
    context, steps = context or StepContext(), []
    for number, item in enumerate(items):
        key = f"corpus_steps.{number}"
        name = item if isinstance(item, str) else item.name
        try:
            step = component(CorpusStep, name)
        except PluginError as error:
            raise RecipeError(f"{key}: {error}") from None
        given = {} if isinstance(item, str) else dict(item.options)
        read: dict[str, tuple[str, ...]] = {field: getattr(context, field) for field in step.reads}
        facts = {field: sha256_of("\0".join(texts)) for field, texts in read.items()}
        steps.append(ReadyStep(step, made(step, given, StepContext(**read), key), facts))
    return tuple(steps)


def made(step: CorpusStep, given: dict[str, Any], context: StepContext, key: str) -> Apply:
    """Return what a step does with its options.

    Raises:
        RecipeError: It does not take them; at the key `key`.
    """
    if step.make is None:
        if given:
            raise RecipeError(f"{key}: {step.name} takes no options, found {', '.join(given)}.")
        assert step.apply is not None  # noqa: S101  # the record has one of the two
        return step.apply
    try:
        with calling(step):
            try:
                return step.make(step.options(**given) if step.options else given, context)
            except ValidationError as error:
                raise RecipeError(_said(error, key)) from None
            except ValueError as error:
                raise RecipeError(f"{key}: {step.name}: {error}.") from None
    except RunFailed as error:
        raise RecipeError(f"{key}: {error}") from error.__cause__


def _said(error: ValidationError, key: str) -> str:
    lines = []
    for detail in error.errors():
        place = ".".join([key, *map(str, detail["loc"])])
        message = detail["msg"].removeprefix("Value error, ")
        shown = f", found {detail['input']!r}" if detail["type"] != "value_error" else ""
        lines.append(f"{place}: {message[0].lower()}{message[1:]}{shown}.")
    return "\n".join(lines)


def run_steps(
    documents: Iterable[Document], steps: Iterable[ReadyStep], counts: Counts
) -> Iterator[Document]:
    """Yield what all steps leave of the documents; each drops blank texts as `empty`.

    Args:
        documents: As read.
        steps: Applied one after the other; most of them stream.
        counts: Receives the counts of each step.

    Raises:
        DataError: A step fails or yields something else; with the document that it had taken.
    """
    stream = iter(documents)
    for step in steps:
        stream = _apply(step, stream, counts.setdefault(step.record.name, Drops()))
    return stream


def _apply(step: ReadyStep, documents: Iterator[Document], drops: Drops) -> Iterator[Document]:
    source = "before any document"

    def taken() -> Iterator[Document]:
        nonlocal source
        for document in documents:
            source = document.source
            drops.dropped += 1
            yield document

    try:
        for document in stream(step.record, partial(step.apply, taken(), drops), Document):
            if document.text and not document.text.isspace():
                drops.dropped -= 1
                yield document
            else:
                drops.drop(document, "empty")
        if drops.dropped < 0:
            added = -drops.dropped
            what = f"CorpusStep {step.record.name!r} yields {added:,} documents more than it took"
            raise DataError(f"{what}. A reader splits documents, a step does not.")
    except RunFailed as error:
        raise DataError(f"{source}: {error}") from error.__cause__

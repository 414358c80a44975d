"""Read the DDI corpus: interactions of drugs in sentences (SemEval 2013, XML).

The corpus has an XML file per document, with sentences, entities, and every pair of them. A pair
that interacts has the label `mechanism`, `effect`, `advise` or `int`. Every other pair has the
task's `null_label`; without a `null_label` these are left out.

Offsets are those of the first and last character of an entity. One in several parts, as of `loop`
in "loop and thiazide diuretics", is read from the first character to the last.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from domainbert import DataError, Relation, Task
from domainbert_bio.offsets import NO_MENTION, SAME_PLACE, UNRELATED, Offsets
from domainbert_bio.xml_stream import Format, Position, name_of, records

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator
    from pathlib import Path

    from domainbert.readers import Mention

DDI_XML = Format(
    "DDI XML", ("document",), "sentence", ("sentence",), "the DDI corpus", "sentence"
)  # fmt: skip
_SPAN = re.compile(r"([0-9]{1,9})-([0-9]{1,9})")


def read_ddi(path: Path, task: Task, counts: Counter[str]) -> Iterator[Relation]:
    """Yield the drug pairs of the sentences of a file.

    Args:
        path: An XML file of the corpus.
        task: Its `null_label` is that of pairs that do not interact.
        counts: Receives the remarks.

    Raises:
        DataError: As of `domainbert_bio.xml_stream.records`; an attribute is missing or malformed;
            an id stands twice; or no entity of the file is at its offsets.
    """
    at, offsets = Position(path, DDI_XML), Offsets(path, counts)
    for sentence in records(at):
        at.last = _attribute(sentence, "id", at)
        text = sentence.get("text", "")
        entities = dict(_entities(sentence, text, offsets, at))
        for pair in _children(sentence, "pair"):
            label = _label(pair, task, counts, at)
            names = _attribute(pair, "e1", at), _attribute(pair, "e2", at)
            if label is None:
                continue
            if not {*names} <= {*entities}:
                counts[NO_MENTION] += 1
                continue
            first, second = (entities[name] for name in names)
            if first[:2] == second[:2]:
                counts[SAME_PLACE] += 1
                continue
            types, document = (first.type, second.type), at.last.rpartition(".")[0]
            yield Relation(text, first[:2], second[:2], (label,), types, document)
    offsets.refuse_if_none_fits()


def _children(sentence: Any, name: str) -> list[Any]:
    return [child for child in sentence if name_of(child) == name]


def _attribute(element: Any, name: str, at: Position) -> str:
    value = str(element.get(name, "")).strip()
    if not value:
        element_name = name_of(element)
        article = "an" if element_name == "entity" else "a"
        raise _wrong(at, f"{article} {element_name} without `{name}`")
    return value


def _wrong(at: Position, what: str) -> DataError:
    return at.error(what, "Expected the form of the corpus of SemEval 2013.")


def _entities(
    sentence: Any, text: str, offsets: Offsets, at: Position
) -> Iterator[tuple[str, Mention]]:
    """Yield the entities of a sentence with their ids."""
    seen = set[str]()
    for entity in _children(sentence, "entity"):
        name, label = _attribute(entity, "id", at), _attribute(entity, "type", at)
        if name in seen:
            raise _wrong(at, f"the id {name[:40]!r} stands twice")
        seen.add(name)
        given, quoted = _attribute(entity, "charOffset", at), _attribute(entity, "text", at)
        parts = [_SPAN.fullmatch(part.strip()) for part in given.split(";")]
        places = [int(place) for part in parts if part for place in part.groups()]
        if None in parts:
            raise _wrong(at, f"charOffset {given[:40]!r} where `0-6` or `0-3;8-12` was expected")
        span = min(places), max(places) + 1
        if len(parts) > 1:
            offsets.counts["discontinuous"] += 1
            pieces = zip(places[::2], places[1::2], strict=True)
            own = " ".join(text[first : last + 1] for first, last in pieces)
            # What it covers is more than its own text.
            quoted = text[slice(*span)] if own.split() == quoted.split() else quoted
        mention = offsets.mention(text, span, label, quoted)
        if mention is not None:
            yield name, mention


def _label(pair: Any, task: Task, counts: Counter[str], at: Position) -> str | None:
    """Return the label of a pair; None for one that is left out."""
    interacts = _attribute(pair, "ddi", at)
    if interacts not in {"true", "false"}:
        raise _wrong(at, f"ddi={interacts[:20]!r} where true or false was expected")
    if interacts == "false":
        counts[UNRELATED] += not task.null_label
        return task.null_label or None
    label = str(pair.get("type", "")).strip()
    counts["interactions_without_type_left_out"] += not label
    return label or None

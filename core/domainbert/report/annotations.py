"""Annotated texts as people and tools read them: JSON lines, CSV, CoNLL columns, BRAT, PubTator."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Callable
from typing import Any

from domainbert.plugin.domain import Document
from domainbert.plugin.spans import Mention, tagged_sentences
from domainbert.tasks.read import Asked

Annotation = dict[str, Any]
Write = Callable[[Any, Annotation], str]
"""A document, or row, and what a model says of it, to the text of both in a format."""


def as_jsonl(item: Document | Asked, annotation: Annotation) -> str:
    """Return a line of JSON: `id`, `text` or the columns of a row, and the annotation."""
    inputs = item.inputs if isinstance(item, Asked) else {"text": item.text}
    about = {"id": item.id, **inputs, **annotation}
    if "entities" in annotation and isinstance(item, Document):
        about["entities"] = [
            {**entity, "text": item.text[entity["start"] : entity["end"]]}
            for entity in annotation["entities"]
        ]
    return json.dumps(about, ensure_ascii=False) + "\n"


def as_csv(item: Document | Asked, annotation: Annotation) -> str:
    """Return a row per entity, or per predicted label of a text; else one."""
    rows: list[list[Any]]
    if "entities" in annotation and isinstance(item, Document):
        rows = [
            [item.id, e["start"], e["end"], item.text[e["start"] : e["end"]], e["type"],
             e["score"]]
            for e in annotation["entities"]
        ]  # fmt: skip
    elif "scores" in annotation:
        names = annotation["labels"] if "labels" in annotation else [annotation["label"]]
        rows = [[item.id, name, annotation["scores"].get(name)] for name in names]
    else:
        keys = ("answer", "start", "end", "score")
        rows = [[item.id, *(annotation[key] for key in keys if key in annotation)]]
    lines = io.StringIO()
    csv.writer(lines, lineterminator="\n").writerows(rows)
    return lines.getvalue()


CSV_HEADERS = {
    "entities": "id,start,end,text,type,score\n", "labels": "id,label,score\n",
    "label": "id,label,score\n", "score": "id,score\n", "answer": "id,answer,start,end,score\n",
}  # fmt: skip


def as_conll(document: Document, annotation: Annotation) -> str:
    """Return a word and its tag (IOB2) per line, with a blank line after each sentence."""
    mentions = [Mention(e["start"], e["end"], e["type"]) for e in annotation["entities"]]
    sentences = tagged_sentences(document.text, mentions, Counter())
    return "".join(
        "".join(f"{word}\t{tag}\n" for word, tag in zip(s.words, s.tags, strict=True)) + "\n"
        for s in sentences
    )


def as_pubtator(document: Document, annotation: Annotation) -> str:
    """Return a block of PubTator: the first line is the title, the others are the abstract.

    A line end becomes a blank, so that offsets stay.
    """
    title, _, rest = document.text.partition("\n")
    lines = [f"{document.id}|t|{_on_a_line(title)}", f"{document.id}|a|{_on_a_line(rest)}"]
    for entity in annotation["entities"]:
        mention = _on_a_line(document.text[entity["start"] : entity["end"]])
        place = entity["start"], entity["end"]
        lines.append("\t".join(map(str, [document.id, *place, mention, entity["type"]])))
    return "\n".join(lines) + "\n\n"


def as_brat(document: Document, annotation: Annotation) -> str:
    """Return the lines of an `.ann` file; the `.txt` beside it has the text."""
    return "".join(
        f"T{number}\t{entity['type']} {entity['start']} {entity['end']}\t"
        f"{_on_a_line(document.text[entity['start'] : entity['end']])}\n"
        for number, entity in enumerate(annotation["entities"], 1)
    )


def _on_a_line(text: str) -> str:
    """Return a text of the same length without line ends."""
    return text.replace("\r", " ").replace("\n", " ")


FORMATS: dict[str, Write] = {
    "jsonl": as_jsonl, "csv": as_csv, "conll": as_conll, "pubtator": as_pubtator, "brat": as_brat,
}  # fmt: skip
ONLY_ENTITIES = frozenset({"conll", "pubtator", "brat"})
"""Formats that have no place for the labels of a text."""

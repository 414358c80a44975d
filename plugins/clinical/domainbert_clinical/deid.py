"""Read de-identification sets in i2b2 XML as sentences with tagged identifiers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domainbert import DataError, TaskReader
from domainbert.readers import Mention, checked_mention, tagged_sentences
from domainbert_clinical.i2b2 import Note, Tag, read_records

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator
    from pathlib import Path

    from domainbert import Sentence, Task


def read_deid(path: Path, task: Task, counts: Counter[str]) -> Iterator[Sentence]:
    """Yield the sentences of the notes of an i2b2 XML file, tagged in IOB2.

    The type of a mention is its attribute `TYPE`, such as `PATIENT`; or the name of its element,
    such as `NAME`, if the task declares that one, or if there is no `TYPE`. An annotation whose
    offsets enclose other text than the file says is left out: `counts["wrong_offsets"]`. So is one
    without offsets, of a whole document: `counts["without_offsets"]`.

    Args:
        path: Such a file, of 2006 (marks inside the text) or 2014 (offsets in `<TAGS>`).
        task: Its `labels` choose types or categories.
        counts: Receives the remarks, those of `tagged_sentences` too.

    Raises:
        DataError: As of `domainbert_clinical.i2b2.read_records`.
    """
    for note in read_records(path):
        mentions = [m for tag in note.tags if (m := _mention(note, tag, task, counts)) is not None]
        yield from tagged_sentences(note.text, mentions, counts, (), f"{path.name}#{note.id}")


def _mention(note: Note, tag: Tag, task: Task, counts: Counter[str]) -> Mention | None:
    if tag.start < 0:
        counts["without_offsets"] += 1
        return None
    label = tag.name if tag.name in task.labels or not tag.type else tag.type
    try:
        return checked_mention(note.text, tag.start, tag.end, label, tag.text)
    except DataError:
        counts["wrong_offsets"] += 1
        return None


DEID = TaskReader("i2b2-deid", "tagging", (), read_deid)
"""Reads i2b2 XML with `format: i2b2-deid`."""

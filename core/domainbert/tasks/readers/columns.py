"""Read the column format of entity recognition: a word and its tag on a line."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from domainbert.errors import DataError
from domainbert.plugin.domain import Sentence
from domainbert.plugin.readers import read_lines
from domainbert.tasks.check import canonical_label

TAG = re.compile(r"O|[BI]-\S+")


def read_columns(path: Path) -> Iterator[Sentence]:
    """Yield the sentences of a file with the word in the first and the tag in the last column.

    Columns are separated by tabs, or by blanks where a line has no tab; blank lines end sentences;
    `-DOCSTART-` lines are skipped. Tags are IOB: `O`, `B-X`, `I-X`; see `to_iob2`.

    Raises:
        DataError: Missing, not UTF-8, a line with one column, or another tag scheme.
    """
    words: list[str] = []
    tags: list[str] = []
    width, counted = 0, True
    for number, line in chain(read_lines(path), [(0, "")]):
        if not line.strip() or line.startswith("-DOCSTART-"):
            if words:
                counted = counted and all(map(str.isdecimal, words))
                yield Sentence(tuple(words), tuple(tags))
            words, tags = [], []
            continue
        columns = _columns(line)
        if len(columns) < 2 or not columns[0].strip() or not columns[-1].strip():
            expected = "expected a word and a tag, separated by a tab or a blank"
            raise DataError(f"{path}:{number}: {expected}, found {line[:60]!r}.")
        width = width or len(columns)
        if len(columns) != width:
            wanted = f"expected {width} columns as before, found {len(columns)}"
            raise DataError(f"{path}:{number}: {wanted}: {line[:60]!r}. Separate them by tabs.")
        words.append(columns[0])
        tags.append(columns[-1].strip())
        if not TAG.fullmatch(tags[-1]):
            message = (
                f"{path}:{number}: unknown tag {tags[-1]!r}; expected O, B-TYPE or I-TYPE (IOB2)."
            )
            if re.fullmatch(r"[ESLUM]-\S+", tags[-1]):
                message += (
                    " This looks like BIOES or BILOU; convert E- and L- to I-, S- and U- to B-."
                )
            raise DataError(message)
    if counted and width > 2:
        what = "the first column has numbers alone, as 1, 2, 3: is the word in the second?"
        raise DataError(f"{path}:1: {what} Remove the first column.")


def _columns(line: str) -> list[str]:
    parts = line.split("\t") if "\t" in line else line.split(" ")
    return [part for part in parts if part]


def to_iob2(sentence: Sentence, counts: Counter[str]) -> Sentence:
    """Return the sentence in IOB2: every mention begins with `B-`.

    An `I-X` that follows no mention of X opens one, as in IOB1 and IO files; `counts["repaired"]`
    tells how many did. Types are brought to one Unicode form; `counts["label_forms"]` counts tags.
    """
    tags, previous = [], "O"
    for given in sentence.tags:
        tag = given[:2] + canonical_label(given[2:])
        counts["label_forms"] += tag != given
        if tag.startswith("I-") and previous[2:] != tag[2:]:
            counts["repaired"] += 1
            tag = "B-" + tag[2:]
        tags.append(tag)
        previous = tag
    return Sentence(sentence.words, tuple(tags))

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
    for number, line in chain(read_lines(path), [(0, "")]):
        if not line.strip() or line.startswith("-DOCSTART-"):
            if words:
                yield Sentence(tuple(words), tuple(tags))
            words, tags = [], []
            continue
        columns = [part for part in line.split("\t" if "\t" in line else " ") if part]
        if len(columns) < 2 or not columns[0].strip() or not columns[-1].strip():
            expected = "expected a word and a tag, separated by a tab or a blank"
            raise DataError(f"{path}:{number}: {expected}, found {line[:60]!r}.")
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


def to_iob2(sentence: Sentence, counts: Counter[str]) -> Sentence:
    """Return the sentence in IOB2: every mention begins with `B-`.

    An `I-X` that follows no mention of X opens one, as in IOB1 and IO files; `counts["repaired"]`
    tells how many did.
    """
    tags, previous = [], "O"
    for tag in sentence.tags:
        if tag.startswith("I-") and previous[2:] != tag[2:]:
            counts["repaired"] += 1
            tag = "B-" + tag[2:]
        tags.append(tag)
        previous = tag
    return Sentence(sentence.words, tuple(tags))

"""Read concepts as i2b2/VA 2010 has them: a note per .txt, its mentions per line in .con."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from domainbert import DataError, Sentence, TaskReader
from domainbert.readers import read_lines

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from domainbert import Task

_CONCEPT = re.compile(
    r'c="(.*)" ([0-9]{1,7}):([0-9]{1,7}) ([0-9]{1,7}):([0-9]{1,7})\|\|t="([^"\s]+)"'
)


class Concept(NamedTuple):
    """A mention: words `first` to `last` of a line, both from 0 and included."""

    first: int
    last: int
    type: str
    quoted: str


def read_concepts(path: Path, _task: Task, counts: Counter[str]) -> Iterator[Sentence]:
    """Yield the sentences of notes, tagged in IOB2: a line of a .txt is a sentence.

    The text of `concept/a.con` is `concept/a.txt` or `txt/a.txt`. A concept whose place has other
    words than it quotes, without regard to case, is left out: `counts["wrong_offsets"]`. So is one
    that goes over lines, `counts["across_lines"]`, and one that overlaps a longer one,
    `counts["overlapping"]`. Of a folder, `counts["texts_without_concepts"]` counts those not read.

    Args:
        path: A folder with `.con` files at any depth, or one such file.
        _task: Not used.
        counts: Receives the remarks.

    Raises:
        DataError: A file is missing, not UTF-8, or has a malformed line.
    """
    files = sorted(path.rglob("*.con")) if path.is_dir() else [path]
    if not files:
        raise DataError(f"{path}: no .con file in this folder. Expected NAME.con with NAME.txt.")
    if path.is_dir():
        stems = {file.stem for file in files}
        counts["texts_without_concepts"] += sum(t.stem not in stems for t in path.rglob("*.txt"))
    for file in files:
        concepts = _concepts(file, counts)
        for number, line in read_lines(_text_of(file)):
            if words := line.split():
                yield Sentence(
                    tuple(words), _tags(words, concepts.pop(number, []), counts), file.stem
                )
        counts["wrong_offsets"] += sum(map(len, concepts.values()))


def _text_of(path: Path) -> Path:
    places = [path.with_suffix(".txt"), path.parent.parent / "txt" / f"{path.stem}.txt"]
    for place in places:
        if place.is_file():
            return place
    raise DataError(f"{path}: no text for it. Expected {places[0]} or {places[1]}.")


def _concepts(path: Path, counts: Counter[str]) -> dict[int, list[Concept]]:
    """Return the concepts of a file by the number of their line, from 1."""
    found = defaultdict(list)
    for number, line in read_lines(path):
        if not line.strip():
            continue
        match = _CONCEPT.fullmatch(line.strip())
        if match is None:
            raise DataError(
                f"{path}:{number}: malformed line {line[:60]!r}. Expected "
                'c="chest pain" 12:3 12:4||t="problem".'
            )
        first_line, first, last_line, last = (int(match[n]) for n in (2, 3, 4, 5))
        if first_line != last_line:
            counts["across_lines"] += 1
        else:
            found[first_line].append(Concept(first, last, match[6], match[1]))
    return dict(found)


def _tags(
    words: Sequence[str], concepts: Sequence[Concept], counts: Counter[str]
) -> tuple[str, ...]:
    tags = ["O"] * len(words)
    for first, last, label, quoted in sorted(concepts, key=lambda c: (c.first - c.last, c.first)):
        there = [word.lower() for word in words[first : last + 1]]
        if not first <= last < len(words) or there != quoted.lower().split():
            counts["wrong_offsets"] += 1
        elif any(tag != "O" for tag in tags[first : last + 1]):
            counts["overlapping"] += 1
        else:
            tags[first : last + 1] = [f"B-{label}", *[f"I-{label}"] * (last - first)]
    return tuple(tags)


CONCEPTS = TaskReader("i2b2-concepts", "tagging", (".con",), read_concepts, folders=True)
"""Reads i2b2 concepts with `format: i2b2-concepts`, and .con files without it."""

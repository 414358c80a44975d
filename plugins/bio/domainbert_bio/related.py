"""Read relations of PubTator files, such as BioRED and BC5CDR: relations of concepts in abstracts.

Behind the mentions of a block stand its relations: id, type, and two concepts, which mentions name
in their last column. They hold in the abstract as a whole, and so a record is a whole abstract with
two concepts, marked at the two mentions of them that are closest to each other.

- The label of a pair is the type of its first relation, such as `Association` or `CID`.
- Every other pair of concepts whose types the file relates has the task's `null_label`: where
  chemicals are related to diseases alone, that is each chemical with each disease of an abstract.
- Without a `null_label` these pairs are left out.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from itertools import combinations, product
from typing import TYPE_CHECKING

from domainbert import DataError, Relation, Task
from domainbert.readers import Mention, read_lines
from domainbert_bio.offsets import FURTHER, NO_MENTION, SAME_PLACE, UNRELATED, Offsets, gap

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_TEXT = re.compile(r"([^\s|]{1,64})\|([ta])\|(.*)", re.DOTALL)
_OFFSET = re.compile(r"[0-9]{1,9}")
# Several concepts of one mention, as of "breast and ovarian cancer".
_CONCEPTS = re.compile(r"[,;|]")
_NO_CONCEPT = {"", "-", "-1"}
_MENTION = "id, start, end, text, type and concept"
_RELATION = "id, type and two concepts"

_Pair = frozenset[str]


@dataclass
class _Block:
    """One abstract as it is being read: mentions of each concept, and relations of pairs."""

    id: str
    title: str
    line: int
    abstract: str | None = None
    concepts: dict[str, list[Mention]] = field(default_factory=lambda: defaultdict(list))
    relations: list[tuple[_Pair, str]] = field(default_factory=list)

    @property
    def text(self) -> str:
        """Title, a blank and abstract."""
        return f"{self.title} {self.abstract or ''}"

    def types(self, pair: _Pair) -> frozenset[str]:
        """Return the types of two concepts, each that of its first mention."""
        return frozenset(self.concepts[concept][0].type for concept in pair)


def read_related(path: Path, task: Task, counts: Counter[str]) -> Iterator[Relation]:
    """Yield the pairs of concepts of the abstracts of a PubTator file.

    The file is read twice: the types that it relates are known at its end.

    Args:
        path: A UTF-8 file.
        task: Its `null_label` is that of pairs without a relation.
        counts: Receives the remarks.

    Raises:
        DataError: The file cannot be read, a line is malformed, an abstract is missing, the file
            has no relation, or no mention is at its offsets.
    """
    first = Offsets(path, Counter())
    related = {
        block.types(pair)
        for block in _blocks(path, first)
        for pair, _ in block.relations
        if pair <= {*block.concepts}
    }
    if not related:
        first.refuse_if_none_fits()
        differ = f", and {first.unlike:,} mentions differ from the text at their offsets"
        what = f"no relation of two concepts{differ if first.unlike else ''}"
        raise DataError(f"{path}: {what}. Expected lines with {_RELATION}.")
    offsets, seen = Offsets(path, counts), set[str]()
    for block in _blocks(path, offsets):
        if block.id in seen:
            counts["repeated_abstracts"] += 1
            continue
        seen.add(block.id)
        yield from _relations(block, related, task, counts)
    offsets.refuse_if_none_fits()


def _relations(
    block: _Block, related: set[frozenset[str]], task: Task, counts: Counter[str]
) -> Iterator[Relation]:
    labels = dict[_Pair, str]()
    for pair, label in block.relations:
        if not pair <= {*block.concepts}:
            counts[NO_MENTION] += 1
        elif labels.setdefault(pair, label) != label:
            counts[FURTHER] += 1
    for one, other in combinations(block.concepts, 2):
        pair = frozenset((one, other))
        if pair not in labels and block.types(pair) not in related:
            continue
        label = labels.get(pair, task.null_label)
        if not label:
            counts[UNRELATED] += 1
            continue
        places = _closest(block.concepts[one], block.concepts[other])
        if places is None:
            counts[SAME_PLACE] += 1
            continue
        first, second = places
        yield Relation(
            block.text, first[:2], second[:2], (label,), (first.type, second.type), block.id
        )


def _closest(ones: list[Mention], others: list[Mention]) -> tuple[Mention, Mention] | None:
    """Return the two mentions with the fewest characters between, the earlier one first."""
    pairs = [(a, b) for a, b in product(ones, others) if a[:2] != b[:2]]
    if not pairs:
        return None
    first, second = min(pairs, key=lambda pair: gap(pair[0][:2], pair[1][:2]))
    return (first, second) if first <= second else (second, first)


def _blocks(path: Path, offsets: Offsets) -> Iterator[_Block]:
    """Yield the abstracts of a file with their mentions and relations."""
    block: _Block | None = None
    for number, line in read_lines(path):
        where = f"{path}:{number}"
        match = _TEXT.fullmatch(line)
        if block is not None and (not line.strip() or (match and match[2] == "t")):
            yield _complete(block, path)
            block = None
        if match and match[2] == "t":
            block = _Block(match[1], match[3], number)
        elif match:
            if block is None or block.id != match[1] or block.abstract is not None:
                what = f"abstract of {match[1]}: expected after its own title line"
                raise DataError(f"{where}: {what}.")
            block.abstract = match[3]
        elif line.strip():
            _add(block, line, where, offsets)
    if block is not None:
        yield _complete(block, path)


def _complete(block: _Block, path: Path) -> _Block:
    if block.abstract is None:
        expected = f"a line `{block.id}|a|...` after the title; it may be empty"
        raise DataError(f"{path}:{block.line}: no abstract for {block.id}. Expected {expected}.")
    return block


def _add(block: _Block | None, line: str, where: str, offsets: Offsets) -> None:
    """Add the mention or the relation of a line to its abstract."""
    cells = [cell.strip() for cell in line.split("\t")]
    if block is None or block.abstract is None or block.id != cells[0]:
        what = f"found {line[:60]!r}: expected after the title and abstract of the same id"
        raise DataError(f"{where}: {what}.")
    if len(cells) >= 4 and cells[1][:1].isalpha():
        pair = frozenset(cells[2:4])
        if len(pair) == 2:
            block.relations.append((pair, cells[1]))
        else:
            offsets.counts["one_concept_relations_left_out"] += 1
        return
    if len(cells) < 5 or not all(map(_OFFSET.fullmatch, cells[1:3])):
        expected = f"{_MENTION}, or {_RELATION}, separated by tabs"
        raise DataError(f"{where}: malformed line {line[:60]!r}. Expected {expected}.")
    span = int(cells[1]), int(cells[2])
    mention = offsets.mention(block.text, span, cells[4], cells[3])
    concepts = {*_CONCEPTS.split(cells[5])} - _NO_CONCEPT if len(cells) > 5 else set[str]()
    if not concepts:
        offsets.counts["mentions_without_concept_left_out"] += 1
    if mention is not None:
        for concept in sorted(concepts):
            block.concepts[concept].append(mention)

"""Read ChemProt: what chemicals do to proteins, in abstracts (BioCreative VI, tab-separated files).

A split has a file of abstracts, one of entities and one of relations, whose names differ in that
word alone. One record is a chemical and a gene or protein in one sentence:

- Its label is the group of their relation, such as `CPR:4`, if that group is evaluated (`Y`).
- Every other such pair has the task's `null_label`. That includes pairs of groups that are not
  evaluated, as in published scores, which count a prediction there as wrong.
- Without a `null_label` these pairs are left out.
- Relations across sentences are left out. Were they read, two sentences in a text would give the
  label away, since pairs without a relation are taken from one sentence.

Sentences are split here, not by the source. So the number of pairs without a relation differs a
little from that of other preparations, and with it precision.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from itertools import product
from typing import TYPE_CHECKING

from domainbert import DataError, Relation, Task
from domainbert.readers import Mention, read_lines
from domainbert_bio.offsets import (
    FURTHER,
    NO_MENTION,
    SAME_PLACE,
    UNRELATED,
    Offsets,
    Span,
    sentence_spans,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

_PARTS = ("abstracts", "entities", "relations", "gold_standard")
_NAME = re.compile(rf"(.*)({'|'.join(_PARTS)})(.*)")
_GROUP = re.compile(r"CPR:[0-9]{1,2}")
_ARGUMENT = re.compile(r"Arg[12]:(T[0-9]{1,6})")
_OFFSET = re.compile(r"[0-9]{1,9}")
_ABSTRACT = "PMID, title and abstract"
_ENTITY = "PMID, T1, CHEMICAL or GENE, start, end and text"
_RELATION = "PMID, CPR:4, Y or N, name, Arg1:T1 and Arg2:T2 (gold standard: without Y and name)"

_Row = tuple[str, list[str]]
"""Where a line stands, and its columns."""
_Pair = tuple[str, str]
"""Names of a chemical and of a gene, such as `T1` and `T7`."""


def read_chemprot(path: Path, task: Task, counts: Counter[str]) -> Iterator[Relation]:
    """Yield the chemical-protein pairs of the sentences of a split.

    Args:
        path: The file of abstracts. Its entities and relations are beside it; `gold_standard`,
            which has the evaluated relations alone, is taken where there are no `relations`. One of
            these files yields nothing, since they are read with the abstracts: so a pattern such as
            `chemprot_training_*.tsv` names all that a split is made of.
        task: Its `null_label` is that of pairs without a relation.
        counts: Receives the remarks.

    Raises:
        DataError: A file is missing or not UTF-8, a line has other columns, an
            entity id stands twice in an abstract, or no mention fits.
    """
    if _part(path) != "abstracts":
        _beside(path, "abstracts")
        return
    entities = _by_pmid(_beside(path, "entities"), _ENTITY, (6,))
    relations = _by_pmid(_beside(path, "relations", "gold_standard"), _RELATION, (6, 4))
    offsets, seen = Offsets(path, counts), set[str]()
    for _, (pmid, title, abstract) in _rows(path, _ABSTRACT, (3,)):
        if pmid in seen:
            counts["repeated_abstracts"] += 1
            continue
        seen.add(pmid)
        text = f"{title} {abstract}"
        mentions = dict(_mentions(text, entities.get(pmid, []), offsets))
        labels = _labels(relations.get(pmid, []), mentions, counts)
        for start, stop in sentence_spans(text, mentions.values(), [len(title)]):
            for pair, spans, types in _candidates(mentions, start, stop):
                label = labels.pop(pair, task.null_label)
                if spans[0] == spans[1]:
                    counts[SAME_PLACE] += 1
                elif label:
                    yield Relation(text[start:stop], *spans, (label,), types, pmid)
                else:
                    counts[UNRELATED] += 1
        counts["relations_across_sentences_left_out"] += len(labels)
    if lacking := sorted({*entities, *relations} - seen):
        raise DataError(f"{path}: no abstract {lacking[0]}, which has entities or relations.")
    offsets.refuse_if_none_fits()


def _part(path: Path) -> str:
    """Return which of the files of a split it is."""
    name = _NAME.fullmatch(path.name)
    if name is None:
        raise DataError(f"{path}: expected one of {', '.join(_PARTS)} in the name of the file.")
    return name[2]


def _beside(path: Path, *parts: str) -> Path:
    """Return the first file of the same split that is there.

    `chemprot_test_abstracts_gs.tsv` has `chemprot_test_gold_standard.tsv` beside it.
    """
    name = _NAME.fullmatch(path.name)
    assert name is not None  # noqa: S101  # `_part` has looked
    ends = (name[3], name[3].removeprefix("_gs"), f"_gs{name[3]}")
    wanted = [path.with_name(f"{name[1]}{part}{end}") for part in parts for end in ends]
    for file in wanted:
        if file.is_file():
            return file
    raise DataError(f"{path}: no {wanted[0].name} beside it. Unpack all files of a split there.")


def _rows(path: Path, expected: str, widths: tuple[int, ...]) -> Iterator[_Row]:
    """Yield the lines of a file with their columns, which keep their blanks: offsets count them."""
    for number, line in read_lines(path):
        columns = line.split("\t")
        if len(columns) in widths and columns[0].strip().isdecimal():
            yield f"{path}:{number}", [columns[0].strip(), *columns[1:]]
        elif line.strip():
            what = f"expected {expected}, separated by tabs; found {line[:60]!r}"
            raise DataError(f"{path}:{number}: {what}.")


def _by_pmid(path: Path, expected: str, widths: tuple[int, ...]) -> dict[str, list[_Row]]:
    """Return the rows of a file by their PMID, without it."""
    found = defaultdict[str, list[_Row]](list)
    for where, (pmid, *cells) in _rows(path, expected, widths):
        found[pmid].append((where, [cell.strip() for cell in cells]))
    return found


def _mentions(text: str, rows: Iterable[_Row], offsets: Offsets) -> Iterator[tuple[str, Mention]]:
    """Yield the mentions of an abstract with their names."""
    seen = set[str]()
    for where, (name, label, start, end, quoted) in rows:
        kind = label.partition("-")[0]  # GENE-Y and GENE-N, with and without a database entry
        if kind not in {"CHEMICAL", "GENE"} or not all(map(_OFFSET.fullmatch, (start, end))):
            found = " ".join((name, label, start, end))
            raise DataError(f"{where}: expected {_ENTITY}; found {found[:60]!r}.")
        if name in seen:
            raise DataError(f"{where}: the id {name[:40]} stands twice in its abstract.")
        seen.add(name)
        mention = offsets.mention(text, (int(start), int(end)), kind, quoted)
        if mention is not None:
            yield name, mention


def _labels(
    rows: Iterable[_Row], mentions: Mapping[str, Mention], counts: Counter[str]
) -> dict[_Pair, str]:
    """Return the evaluated groups of the pairs of an abstract."""
    labels = dict[_Pair, str]()
    for where, (group, *evaluated, one, other) in rows:
        names = [_ARGUMENT.fullmatch(argument) for argument in (one, other)]
        marked = evaluated[:1] or ["Y"]
        if not _GROUP.fullmatch(group) or None in names or marked[0] not in {"Y", "N"}:
            found = " ".join((group, *evaluated, one, other))
            raise DataError(f"{where}: expected {_RELATION}; found {found[:60]!r}.")
        pair = tuple(
            sorted((name[1] for name in names if name), key=lambda n: _is_gene(n, mentions))
        )
        if marked[0] == "N":
            counts["relations_not_evaluated"] += 1
        elif len(pair) < 2 or not {*pair} <= {*mentions}:
            counts[NO_MENTION] += 1
        elif [mentions[name].type for name in pair] != ["CHEMICAL", "GENE"]:
            raise DataError(f"{where}: {one} and {other} are no chemical and gene.")
        elif labels.setdefault((pair[0], pair[1]), group) != group:
            counts[FURTHER] += 1
    return labels


def _is_gene(name: str, mentions: Mapping[str, Mention]) -> bool:
    return name in mentions and mentions[name].type == "GENE"


def _candidates(
    mentions: Mapping[str, Mention], start: int, stop: int
) -> Iterator[tuple[_Pair, tuple[Span, Span], tuple[str, str]]]:
    """Yield the pairs of a sentence: names, offsets within the sentence, and types."""
    inside = {n: m for n, m in mentions.items() if start <= m.start and m.end <= stop}
    chemicals = [n for n, m in inside.items() if m.type == "CHEMICAL"]
    for pair in product(chemicals, [name for name in inside if name not in chemicals]):
        one, other = (inside[name] for name in pair)
        spans = (one.start - start, one.end - start), (other.start - start, other.end - start)
        yield pair, spans, (one.type, other.type)

"""Read PubTator files: title, abstract, and mentions with character offsets."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from domainbert.errors import DataError
from domainbert.plugin.readers import read_lines
from domainbert.plugin.records import Sentence
from domainbert.plugin.spans import Mention, checked_mention, tagged_sentences

TEXT_LINE = re.compile(r"([^\s|]{1,64})\|([ta])\|(.*)", re.DOTALL)
_NUMBER = re.compile(r"[0-9]{1,9}")


@dataclass
class _Block:
    """One abstract as it is being read."""

    id: str
    title: str
    line: int
    abstract: str | None = None
    mentions: list[Mention] = field(default_factory=list)

    @property
    def text(self) -> str:
        return f"{self.title} {self.abstract or ''}"


def read_pubtator(
    path: Path, counts: Counter[str], types: Mapping[str, str] | None = None
) -> Iterator[Sentence]:
    """Yield the sentences of a PubTator file, tagged in IOB2.

    A block is `ID|t|title`, `ID|a|abstract`, then a line per mention: id, start, end, text, type
    and whatever follows, separated by tabs. Offsets count characters of title, a blank and
    abstract. A title ends a sentence.

    - A block whose id was read before is left out: `counts["repeated_abstracts"]`.
    - Lines without offsets are relations and left out: `counts["relations"]`.
    - A mention whose text differs from its offsets, white space aside, is left out:
      `counts["mentions_unlike_text_left_out"]`. If none of a file fits, the file is refused.

    Args:
        path: A UTF-8 file.
        counts: Receives the remarks, those of `tagged_sentences` too.
        types: Type in the file → type to tag, for those that may occur; None leaves all as they
            are.

    Raises:
        DataError: The file cannot be read, a line is malformed, a type unknown, an abstract is
            missing, or no mention is at its offsets.
    """
    seen, fitting, unlike = set[str](), 0, list[str]()
    for block in _blocks(path, counts, types, unlike):
        fitting += len(block.mentions)
        if block.id in seen:
            counts["repeated_abstracts"] += 1
            continue
        seen.add(block.id)
        ends = [len(block.title)] if block.title else []
        yield from tagged_sentences(block.text, block.mentions, counts, ends, block.id)
    if unlike and not fitting:
        raise DataError(f"{unlike[0]} None of its {len(unlike):,} mentions is at its offsets.")
    counts["mentions_unlike_text_left_out"] += len(unlike)


def _blocks(
    path: Path, counts: Counter[str], types: Mapping[str, str] | None, unlike: list[str]
) -> Iterator[_Block]:
    block: _Block | None = None
    for number, line in read_lines(path):
        where = f"{path}:{number}"
        match = TEXT_LINE.fullmatch(line)
        if block is not None and (not line.strip() or (match and match[2] == "t")):
            yield _complete(block, path)
            block = None
        if match is None:
            if line.strip():
                _add_mention(block, line, where, counts, types, unlike)
        elif match[2] == "t":
            block = _Block(match[1], match[3], number)
        elif block is None or block.id != match[1] or block.abstract is not None:
            raise DataError(f"{where}: abstract of {match[1]}: expected after its own title line.")
        else:
            block.abstract = match[3]
    if block is not None:
        yield _complete(block, path)


def _complete(block: _Block, path: Path) -> _Block:
    if block.abstract is None:
        raise DataError(
            f"{path}:{block.line}: no abstract for {block.id}. Expected a line "
            f"`{block.id}|a|...` after the title; it may be empty."
        )
    return block


def _add_mention(
    block: _Block | None,
    line: str,
    where: str,
    counts: Counter[str],
    types: Mapping[str, str] | None,
    unlike: list[str],
) -> None:
    """Add what a line says to its block; to `unlike`, why its mention is not in the text."""
    fields = line.split("\t")
    if block is not None and len(fields) > 2 and fields[0] == block.id and fields[1][:1].isalpha():
        counts["relations"] += 1
        return
    if len(fields) < 5 or not all(map(_NUMBER.fullmatch, fields[1:3])):
        raise DataError(
            f"{where}: malformed line {line[:60]!r}. Expected `ID|t|title`, `ID|a|abstract` or id, "
            "start, end, text and type separated by tabs."
        )
    if block is None or block.abstract is None or block.id != fields[0]:
        raise DataError(
            f"{where}: mention of {fields[0]}: expected after its own title and abstract."
        )
    label = fields[4]
    if not label.strip():
        raise DataError(f"{where}: the mention {fields[3][:60]!r} has no type.")
    if types is not None and label not in types:
        raise DataError(f"{where}: class {label!r}: expected one of {', '.join(types)}.")
    start, end = int(fields[1]), int(fields[2])
    label = types[label] if types else label
    try:
        block.mentions.append(checked_mention(block.text, start, end, label, fields[3]))
    except DataError as error:
        unlike.append(f"{where}: {error}.")

"""A corpus reader for Markdown: one document per section, without markup."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import domainbert
from domainbert.readers import read_lines

_HEADING = re.compile(r"#{1,6}\s+(.*?)\s*#*")
_FENCE = re.compile(r"\s*(```|~~~)")
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_MARKS = re.compile(r"^\s*(?:>|[-*+]|\d+\.)\s+|[*`]+|(?<!\w)_+|_+(?!\w)")


def read_markdown(path: Path, _options: Mapping[str, str]) -> Iterator[domainbert.Document]:
    """Yield the sections of a file that have prose; code blocks are left out."""
    start, prose, fenced = 1, list[str](), False
    for number, line in read_lines(path):
        if _FENCE.match(line):
            fenced = not fenced
            continue
        if fenced:
            continue
        heading = _HEADING.fullmatch(line)
        if heading and prose:
            yield _section(path, start, prose)
        if heading:
            start, prose = number, []
        prose.append(_MARKS.sub("", _LINK.sub(r"\1", heading[1] if heading else line)))
    yield _section(path, start, prose)


def _section(path: Path, line: int, prose: list[str]) -> domainbert.Document:
    place = f"{path.name}:{line}"
    return domainbert.Document(place, "\n".join(prose), place)


@domainbert.hookimpl
def domainbert_components() -> Iterator[domainbert.CorpusReader]:
    """Yield the reader `markdown`."""
    yield domainbert.CorpusReader("markdown", (".md", ".markdown"), read_markdown)

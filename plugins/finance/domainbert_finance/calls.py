"""Read transcripts of earnings calls, as plain text that the user brings."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from domainbert import DataError, Document
from domainbert.readers import decode_western, read_bytes
from domainbert_finance.files import MAX_BYTES, is_html

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

# Providers rule off speakers and parts, and number turns (`Jane Doe, Pumps Inc - CEO [12]`).
_RULE = re.compile(r"[\W_]*")
_TURN = re.compile(r"\s*\[\d{1,4}\]\s*$")
_PRESENTATION = re.compile(
    r"(?:presentation|prepared remarks)(?: section| session)?", re.IGNORECASE
)
_QUESTIONS = re.compile(
    r"(?:questions?[\s-]*(?:and|&)[\s-]*answers?|q\s?&\s?a)(?: section| session)?", re.IGNORECASE
)
# No text file wraps its lines at more characters than this: a longer one is a paragraph.
_WRAPPED = 140
_SUFFIX = re.compile(r"\.txt(?:\.\w+)?$", re.IGNORECASE)
# What a paragraph ends with before another speaker begins.
_ENDS = '.?!:)]"\u201d'


def read_call(path: Path) -> Iterator[Document]:
    """Yield the presentation and the questions of an earnings call, a document each.

    The file is a transcript in plain text. A part begins at a line such as `Presentation`,
    `Prepared Remarks:` or `Questions and Answers`; what stands before the first, such as title and
    participants, belongs to it. A transcript without such lines is one document. Paragraphs end at
    a blank line, at the name of the next speaker, and at lines too long to have been wrapped, each
    on one line. Lines of rules and numbers of turns (`[12]`) are left out, speakers' names are not.

    Args:
        path: A `.txt` file, plain or compressed; UTF-8 or Windows-1252.

    Raises:
        DataError: The file cannot be read, is no text, is HTML, or is larger than 256 MiB.
    """
    text = decode_western(read_bytes(path, MAX_BYTES), str(path))
    if is_html(text):
        raise DataError(f"{path}: HTML, expected a transcript in plain text. Save it as text.")
    parts: dict[str, list[str]] = {}
    part = ""
    for line in _paragraphs(text.split("\n")):
        part = _part(line) or part
        parts.setdefault(part, []).append(line)
    if len(parts) > 1:  # title and participants stand before the first part
        opening = parts.pop("", [])
        first = next(iter(parts))
        parts[first] = opening + parts[first]
    name = _SUFFIX.sub("", path.name)
    for part, lines in parts.items():
        mark = f"#{part}" if part else ""
        yield Document(f"{name}{mark}", "\n".join(lines), f"{path.name}{mark}")


def _part(line: str) -> str:
    heading = line.strip(" :.-\u2013\u2014")
    if _PRESENTATION.fullmatch(heading):
        return "presentation"
    return "questions" if _QUESTIONS.fullmatch(heading) else ""


def _paragraphs(lines: Iterable[str]) -> Iterator[str]:
    block: list[str] = []
    for raw in [*lines, ""]:
        line = " ".join(_TURN.sub("", raw).split())
        rule = _RULE.fullmatch(line) is not None
        at_end = not block or block[-1][-1] in _ENDS
        if rule or _part(line) or len(line) > _WRAPPED or (at_end and _is_speaker(line)):
            if block:
                yield " ".join(block)
                block = []
            if not rule:
                yield line
        else:
            block.append(line)


# `Operator`, `Jane Q. Doe`, also with a title or a firm behind a dash or a comma.
_NAME = r"[A-Z][\w.'\u2019-]*(?: (?:[A-Z][\w.'\u2019-]*|de|van|von|der|la)){0,4}"
_SPEAKER = re.compile(rf"(?:Operator|{_NAME}\s*(?:--|[-\u2013\u2014]|,)\s*\S.{{0,100}}|{_NAME}):?")


def _is_speaker(line: str) -> bool:
    """Return whether a short line names who speaks next."""
    return (
        len(line) <= _WRAPPED
        and line[-1] not in ".?!,;"
        and len(line.split()) > (line.strip(":") != "Operator")
        and _SPEAKER.fullmatch(line) is not None
    )

"""Read the SGML files of Reuters-21578, newswire of 1987."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from domainbert import DataError, Document
from domainbert.readers import read_lines
from domainbert_finance.files import refuse_declarations

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_ARTICLE_CHARACTERS = 4 * 1024 * 1024
"""The longest articles of the collection have a few thousand."""

_NEWID = re.compile(r'\bNEWID="(\d{1,9})"')
_TEXT = re.compile(r'<TEXT(?: TYPE="([A-Z]+)")?>')
_TOPIC = re.compile(r"<D>([^<]*)</D>")
_TAG = re.compile(r"</?[A-Z]+>")
_DOCTYPE = re.compile(r"<!DOCTYPE [^\[\]<>]*>")
_SIGNATURE = re.compile(r"\W*REUTERS?\W*", re.IGNORECASE)


@dataclass(frozen=True)
class Article:
    """One article.

    Args:
        id: The number `NEWID`.
        title: The title; empty where the collection lacks it (`UNPROC`).
        paragraphs: The body; empty for titles without one (`BRIEF`).
        topics: Subject codes.
    """

    id: int
    title: str
    paragraphs: tuple[str, ...]
    topics: tuple[str, ...]


def read_reuters(path: Path) -> Iterator[Document]:
    """Yield one document for each article: its title, then its paragraphs, a line each.

    Datelines, authors and the closing `Reuter` are left out. Of a `BRIEF` the title is the text; of
    an `UNPROC` the whole text is read, its title being part of it.

    Args:
        path: A `.sgm` file, plain or `.gz`.

    Raises:
        DataError: As of `read_articles`.
    """
    for article in read_articles(path):
        text = "\n".join(filter(None, (article.title, *article.paragraphs)))
        yield Document(f"reuters:{article.id}", text, f"{path.name}#{article.id}")


def read_articles(path: Path) -> Iterator[Article]:
    """Yield the articles of a file of Reuters-21578, streaming.

    The files are SGML in ISO-8859-1 and no XML: they refer to control characters such as `&#3;`,
    which are left out here.

    Args:
        path: As of `read_reuters`.

    Raises:
        DataError: The file cannot be read or is cut short, declares entities, has something else
            between articles, or an article has no number, no text or an element without an end.
    """
    start, held, size = 0, list[str](), 0
    for number, line in read_lines(path, "iso-8859-1", MAX_ARTICLE_CHARACTERS):
        if line.startswith("<REUTERS "):
            if start:
                raise _unended(path, start)
            start, held, size = number, [], 0
        elif not start:
            _check_between(line, f"{path}:{number}")
            continue
        held.append(line)
        size += len(line)
        if size > MAX_ARTICLE_CHARACTERS:
            raise _unended(path, start)
        if line.rstrip().endswith("</REUTERS>"):
            yield _article("\n".join(held), f"{path}:{start}")
            start = 0
    if start:
        raise _unended(path, start)


def _unended(path: Path, line: int) -> DataError:
    return DataError(
        f"{path}:{line}: cut short: the article that starts here has no </REUTERS>. Download the "
        "file again."
    )


def _check_between(line: str, where: str) -> None:
    refuse_declarations(line, where)
    if line.strip() and not _DOCTYPE.fullmatch(line.strip()):
        raise DataError(
            f"{where}: expected `<REUTERS ...>`, found {line.strip()[:60]!r}. Is this a file of "
            "Reuters-21578 (reut2-000.sgm to reut2-021.sgm)?"
        )


def _article(record: str, where: str) -> Article:
    number = _NEWID.search(record, 0, record.find(">") + 1)
    if number is None:
        raise DataError(f'{where}: an article without a number. Expected NEWID="..." in its tag.')
    kind = _TEXT.search(record)
    if kind is None:
        raise DataError(f"{where}: article {number[1]} has no <TEXT>.")
    text = _element(record, kind[0], "</TEXT>", where)
    topics = _TOPIC.findall(_element(record, "<TOPICS>", "</TOPICS>", where))
    if kind[1] == "UNPROC":
        title, body = "", _TAG.sub("", text)
    else:
        title = _element(text, "<TITLE>", "</TITLE>", where)
        body = _element(text, "<BODY>", "</BODY>", where)
    title = " ".join(_plain(title).split())
    return Article(int(number[1]), title, tuple(_paragraphs(_plain(body))), tuple(topics))


def _element(record: str, start: str, end: str, where: str) -> str:
    """Return what an element encloses; nothing if it is not there."""
    _, found, rest = record.partition(start)
    inside, ended, _ = rest.partition(end)
    if found and not ended:
        raise DataError(f"{where}: {start} has no {end} within the article. Download it again.")
    return inside


def _plain(text: str) -> str:
    return "".join(c for c in html.unescape(text) if c in "\n\t" or c.isprintable())


def _paragraphs(text: str) -> Iterator[str]:
    """Yield paragraphs; an indented line starts one."""
    lines: list[str] = []
    for line in text.split("\n"):
        if lines and (line.startswith("  ") or not line.strip()):
            yield " ".join(lines)
            lines = []
        if line.strip() and not _SIGNATURE.fullmatch(line):
            lines.append(" ".join(line.split()))
    if lines:
        yield " ".join(lines)

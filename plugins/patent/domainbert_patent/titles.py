"""Titles of classification symbols, from the files in which they are published."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING, Any

from domainbert import DataError
from domainbert.readers import read_utf8
from domainbert_patent.stream import Position, xml_documents
from domainbert_patent.symbols import parse_symbol
from domainbert_patent.tree import flat, parse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_BRACKETS = re.compile(r"\s*\([^()]*\)")


def read_titles(path: Path) -> dict[str, str]:
    """Return the titles of a CPC scheme file or of a table, by symbol (`A01L`, `A01L1/00`).

    References to other symbols, in brackets or in separate elements, are left out,
    and so are the braces around what the CPC added to the IPC.

    Args:
        path: A scheme file of the CPC in XML (`class-scheme`), or a CSV table in UTF-8 with the
            columns `code` and `title`; plain or `.gz`.

    Raises:
        DataError: The file is missing, damaged, neither of the two, or has a symbol that is none.
    """
    at = Position(path)
    if path.name.removesuffix(".gz").lower().endswith(".csv"):
        return _from_table(at)
    titles: dict[str, str] = {}
    for document in xml_documents(at):
        if document.root != "class-scheme":
            raise at.error(
                f"no CPC scheme: its root element is {document.root[:40]!r}",
                "Expected a class-scheme element, or a table whose name ends in .csv.",
            )
        for symbol, title in _from_scheme(parse(document, at)):
            # A group stands twice, as a heading of its subgroups and as itself.
            titles.setdefault(_checked(symbol, at), title)
    return titles


def _from_scheme(root: Any) -> Iterator[tuple[str, str]]:
    for item in root.iter("classification-item"):
        symbol, title = item.find("classification-symbol"), item.find("class-title")
        if symbol is None or title is None:
            continue
        for reference in title.findall(".//reference"):
            reference.getparent().remove(reference)
        parts = (_tidy(flat(part)) for part in title.iterfind("title-part"))
        yield flat(symbol), "; ".join(part for part in parts if part)


def _from_table(at: Position) -> dict[str, str]:
    try:
        rows = list(csv.DictReader(io.StringIO(read_utf8(at.path)), strict=True))
    except csv.Error as error:
        raise DataError(f"{at.path}: no CSV table: {error}.") from None
    titles = {}
    for at.number, row in enumerate(rows, 1):
        if not row.get("code") or row.get("title") is None:
            raise DataError(f"{at.path}: row {at.number}: expected the columns `code` and `title`.")
        titles[_checked(row["code"], at)] = _tidy(row["title"])
    return titles


def _checked(symbol: str, at: Position) -> str:
    try:
        return str(parse_symbol(symbol))
    except DataError as error:
        raise DataError(f"{at.path}: record {at.number}: {error}") from None


def _tidy(title: str) -> str:
    """Return a title without references in brackets and without braces."""
    while (shorter := _BRACKETS.sub("", title)) != title:
        title = shorter
    return " ".join(title.replace("{", "").replace("}", "").split())

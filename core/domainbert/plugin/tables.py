"""Rows of tables and of JSON lines, for readers in core and in plugins.

A row that does not fit its header is refused: a program that cuts or fills it changes the text.
"""

from __future__ import annotations

import csv
import json
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from domainbert.errors import DataError, listed
from domainbert.plugin.readers import LINE_ENDS, MAX_LINE_BYTES, plain_suffix, read_lines

Row = tuple[int, dict[str, Any]]
"""1-based number of the line on which a row ends, and its cells by column."""

MAX_TSV_BYTES = 1 << 30
# A cell of a writer that quotes: a quote inside is doubled.
_QUOTED = re.compile(r'"(?:[^"]|"")*"')


def read_rows(path: Path, needed: Iterable[str] = ()) -> Iterator[Row]:
    """Yield the rows of a .csv or .tsv table with a header.

    In .csv, quotes enclose cells, and semicolons or tabs separate them if the header has no comma.
    In .tsv quotes do so if all cells with quotes are written in that way and a writer such as
    pandas or Excel shows: quotes inside are doubled, the header is quoted, or the cells with commas
    are, more than one. Else they are text.

    Args:
        path: A plain or compressed table, UTF-8.
        needed: Columns that it must have.

    Raises:
        DataError: As of `read_lines`; or a row that does not fit the header, a column that is
            missing or stands twice, another separator, or a quote that is not closed.
    """
    yield from (read_csv if plain_suffix(path) == ".csv" else read_tsv)(path, needed)


def read_csv(path: Path, needed: Iterable[str] = (), separator: str = "") -> Iterator[Row]:
    """Yield the rows of a table with quotes as in .csv; the header shows what separates columns."""
    separator = separator or _separator(next((line for _, line in read_lines(path)), ""))
    yield from _csv_rows(path, (line for _, line in read_lines(path)), separator, needed)


def read_tsv(path: Path, needed: Iterable[str] = ()) -> Iterator[Row]:
    """Yield the rows of a table with tabs, in which quotes may be text."""
    lines = [line for _, line in read_lines(path, max_bytes=MAX_TSV_BYTES)]
    if _has_quoted_cells(lines):
        yield from _csv_rows(path, lines, "\t", needed)
        return
    header = _header(path, lines[0].split("\t") if lines else [], "\t", needed)
    for number, line in enumerate(lines[1:], 2):
        if line:
            yield number, _row(path, number, header, line.split("\t"))


def _separator(header: str) -> str:
    """Return what separates the columns of a .csv: a comma, else the sign that the header has."""
    plain = _QUOTED.sub("", header)
    return next((sign for sign in ",\t;" if sign in plain), ",")


def _csv_rows(
    path: Path, lines: Iterable[str], separator: str, needed: Iterable[str]
) -> Iterator[Row]:
    csv.field_size_limit(min(MAX_LINE_BYTES, sys.maxsize))
    # csv joins quoted line breaks, so it gets the line ends back.
    rows = csv.reader((line + "\n" for line in lines), delimiter=separator, strict=True)
    start = 1
    try:
        header = _header(path, next(rows, []), separator, needed)
        start = rows.line_num + 1
        for cells in rows:
            if cells:
                yield rows.line_num, _row(path, rows.line_num, header, cells)
            start = rows.line_num + 1
    except csv.Error as error:
        where = f"in the row that begins at line {start}"
        what, cure = str(error), "A quote at the start of a cell opens it; one inside is doubled"
        if what.startswith("new-line"):  # of Python's csv, which goes on with advice on Python
            what, cure = "a lone carriage return", LINE_ENDS
        said = f"{path}:{rows.line_num}: not valid CSV, {where}: {what}. {cure}."
        raise DataError(said) from None


def _header(path: Path, cells: list[str], separator: str, needed: Iterable[str]) -> list[str]:
    """Return the names of the columns."""
    for other, what in (("\t", "tabs"), (";", "semicolons"), (",", "commas")):
        if other != separator and len(cells) == 1 and other in cells[0]:
            wanted = {",": "commas", "\t": "tabs"}.get(separator, repr(separator))
            kind = "Name the file .tsv" if other == "\t" else f"Save it with {wanted}"
            raise DataError(
                f"{path}:1: the columns are separated by {what}, expected {wanted}. {kind}."
            )
    check_header(path, cells, needed)
    return cells


def check_header(path: Path, cells: list[str], needed: Iterable[str]) -> None:
    """Refuse a header in which a name stands twice, or that lacks a column.

    Raises:
        DataError: With the column.
    """
    names = [name for name in cells if name]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise DataError(f"{path}:1: the column {twice!r} stands twice. Rename or remove one.")
    if lacking := next((name for name in needed if name not in cells), None):
        named = listed(names) or "nothing"
        raise DataError(f"{path}:1: no column {lacking!r}; the header names {named}.")


def _row(path: Path, number: int, header: list[str], cells: list[str]) -> dict[str, Any]:
    if len(cells) != len(header):
        many = "A separator inside a text needs quotes around the text" if header[1:] else ""
        expected = f"expected {len(header)} columns as in the header, found {len(cells)}"
        raise DataError(f"{path}:{number}: {expected}. {many or 'Look at the separators'}.")
    return dict(zip(header, cells, strict=True))


def _has_quoted_cells(lines: list[str]) -> bool:
    """Return whether a quoting writer made a .tsv file.

    It doubles quotes, breaks lines, quotes the header, or quotes cells with commas and no others.
    """
    cells = [cell for line in lines for cell in line.split("\t")]
    with_quotes = [cell for cell in cells if '"' in cell]
    if all(_QUOTED.fullmatch(cell) for cell in with_quotes):
        names = lines[0].split("\t") if lines else []
        for_commas = sum("," in cell for cell in cells) == len(with_quotes) > 1
        return (
            any('""' in cell[1:-1] for cell in with_quotes)
            or all(map(_QUOTED.fullmatch, filter(None, names)))
            or (for_commas and all("," in cell for cell in with_quotes))
        )
    # A cell with a line break is in two halves, each with one quote.
    width = lines[0].count("\t") if lines else 0
    return any(line.count("\t") != width for line in lines if line) and _is_quoted(lines)


def _is_quoted(lines: list[str]) -> bool:
    rows = csv.reader((line + "\n" for line in lines), delimiter="\t", strict=True)
    try:
        return len({len(cells) for cells in rows if cells}) == 1
    except csv.Error:
        return False


def read_objects(path: Path) -> Iterator[Row]:
    """Yield the JSON objects of a file that has one per line; blank lines are passed over.

    Raises:
        DataError: As of `read_lines`; or a line that is no JSON object, or names a key twice.
    """
    for number, line in read_lines(path):
        if not line.strip():
            continue
        try:
            record = json.loads(line, object_pairs_hook=each_once)
        except (ValueError, RecursionError) as error:
            where = f"{path}:{number}"
            raise DataError(f"{where}: not valid JSON: {error}. One object per line.") from None
        if not isinstance(record, dict):
            kind = type(record).__name__
            raise DataError(f"{path}:{number}: expected a JSON object, found {kind}.")
        yield number, record


def each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object, or refuse a key that stands twice.

    Raises:
        ValueError: With the key.
    """
    record = dict(pairs)
    if len(record) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice!r} stands twice")
    return record

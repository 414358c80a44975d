"""Rows of the first sheet of an .xlsx workbook; needs the optional package `openpyxl`."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any

from domainbert.errors import DataError
from domainbert.plugin.readers import check_growth, check_regular
from domainbert.plugin.tables import check_header


def read_workbook(path: Path, needed: Iterable[str] = ()) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the rows below the header with their places.

    Numbers and dates are text as Python writes them, without the format that the sheet shows.

    Args:
        path: The workbook; its first sheet is read, and no other has the same columns.
        needed: Columns that it must have.

    Raises:
        DataError: No workbook, `openpyxl` or a column is missing, or two sheets are alike.
    """
    check_regular(path)
    try:
        from openpyxl import load_workbook
    except ImportError:
        cure = "It needs `openpyxl`: pip install 'domainbert[xlsx]'"
        raise DataError(f"{path}: an .xlsx workbook. {cure}.") from None
    try:
        with zipfile.ZipFile(path) as archive:
            check_growth(path, sum(i.file_size for i in archive.infolist()), path.stat().st_size)
        # From its bytes: the library wants a certain suffix.
        book = load_workbook(io.BytesIO(path.read_bytes()), read_only=True, data_only=True)
    except (zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
        raise DataError(f"{path}: not a readable .xlsx workbook: {error}.") from None
    sheets = [sheet for sheet in book.worksheets if hasattr(sheet, "iter_rows")]
    if not sheets:
        raise DataError(f"{path}: has no sheet with cells.")
    for sheet in sheets:
        sheet.reset_dimensions()  # some writers leave those of an earlier state
    rows = _read(path, sheets[0])
    names = _names(rows)
    check_header(path, names, needed)
    for other in sheets[1:]:
        if any(names) and _names(_read(path, other)) == names:
            what = f"the sheet {other.title!r} has the columns of the first, which alone is read"
            raise DataError(f"{path}: {what}. Make one sheet of them, or a file of each.")
    for number, cells in enumerate(rows, 2):
        if any(cell is not None for cell in cells):
            values = ("" if cell is None else str(cell) for cell in cells)
            yield f"{path}:{number}", dict(zip_longest(names, values, fillvalue=""))
    book.close()


def _names(rows: Iterator[tuple[Any, ...]]) -> list[str]:
    return ["" if cell is None else str(cell).strip() for cell in next(rows, ())]


def _read(path: Path, sheet: Any) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a sheet, whose XML is read on the way."""
    try:
        yield from sheet.iter_rows(values_only=True)
    except (zipfile.BadZipFile, zlib.error, SyntaxError, KeyError, ValueError, OSError) as error:
        raise DataError(f"{path}: not a readable .xlsx workbook: {error}.") from None

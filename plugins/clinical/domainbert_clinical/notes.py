"""Read notes that the user brings: text files, and CSV as MIMIC-III and MIMIC-IV have it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from domainbert import DataError, Document
from domainbert.readers import plain_suffix, read_rows, read_utf8
from domainbert_clinical.sections import ERROR_MARK

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_IDS = ("row_id", "note_id", "encounter_id", "id")
_ERROR = "iserror"
_WRONG = frozenset({"1", "true", "t", "yes", "y"})
# MIMIC-III has no mark at a right note; databases export that as one of several words.
_RIGHT = frozenset({"", "0", "false", "f", "no", "n", "nan", "null", "none", "na", r"\n"})


def read_notes(path: Path) -> Iterator[Document]:
    """Yield the notes of a file.

    A CSV file has a note per row in the column `TEXT`, as NOTEEVENTS.csv of MIMIC-III and
    discharge.csv of MIMIC-IV do; names of columns may have small letters. A row that `ISERROR`
    marks, by `1`, `true` or `yes`, comes without text; the step `note-sections` drops and counts
    it.

    Args:
        path: `.txt`, one note; or `.csv` or `.tsv`; plain or compressed, UTF-8.

    Raises:
        DataError: The file cannot be read or has another suffix; a table has no column `TEXT`, or
            two that capitals alone tell apart; or a mark says neither wrong nor right.
    """
    suffix = plain_suffix(path)
    if suffix == ".txt":
        yield Document(path.name, read_utf8(path), path.name)
    elif suffix in {".csv", ".tsv"}:
        yield from _rows(path, "text")
    else:
        raise DataError(f"{path}: expected notes in .txt, .csv or .tsv, plain or compressed.")


def read_aci_bench(path: Path) -> Iterator[Document]:
    """Yield the notes of a file of ACI-Bench: the column `note` of its CSV.

    Args:
        path: A `.csv` file with the columns `encounter_id`, `dialogue` and `note`.

    Raises:
        DataError: The file cannot be read, or it has no column `note`, or two of them.
    """
    return _rows(path, "note")


def _rows(path: Path, column: str) -> Iterator[Document]:
    names: dict[str, str] | None = None
    for number, row in read_rows(path):
        if names is None:  # all rows have those of the header
            names = _columns(list(row), column, str(path))
        place = f"{path.name}:{number}"
        is_error = _is_error(_cell(row, names, _ERROR), f"{path}:{number}")
        text = "" if is_error else _cell(row, names, column)
        found = (_cell(row, names, name) for name in _IDS)
        yield Document(next(filter(None, found), place), text, place + ERROR_MARK * is_error)


def _columns(header: list[str], column: str, path: str) -> dict[str, str]:
    """Return the columns that are read, by their names in small letters."""
    names: dict[str, str] = {}
    for name in header:
        small = name.strip().lower()
        if small not in {column, _ERROR, *_IDS}:
            continue
        if small in names:
            raise DataError(
                f"{path}:1: the columns {names[small]!r} and {name!r} have one name without "
                "regard to capitals. Rename or remove one."
            )
        names[small] = name
    if column not in names:
        raise DataError(
            f"{path}:1: no column {column.upper()!r} with the notes; the header names "
            f"{', '.join(header[:20])}. Rename the column, or take `path:` without `name:` and "
            "give `columns: {text: NAME}`."
        )
    return names


def _is_error(mark: str, where: str) -> bool:
    """Return whether a cell marks a note as an error."""
    whole, point, zeros = mark.lower().partition(".")  # pandas writes 1.0
    said = whole if point and zeros and not zeros.strip("0") else mark.lower()
    if said in _WRONG | _RIGHT:
        return said in _WRONG
    raise DataError(
        f"{where}: ISERROR is {mark[:40]!r}. Expected 1, true or yes for a note that is an error, "
        "or 0, false, no or nothing. Correct the cell, or remove the column to keep all notes."
    )


def _cell(row: Mapping[str, Any], names: Mapping[str, str], column: str) -> str:
    return str(row[names[column]] or "").strip() if column in names else ""

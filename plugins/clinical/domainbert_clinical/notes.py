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


def read_notes(path: Path) -> Iterator[Document]:
    """Yield the notes of a file.

    A CSV file has a note per row in the column `TEXT`, as NOTEEVENTS.csv of MIMIC-III and
    discharge.csv of MIMIC-IV do; names of columns may have small letters. A row with `ISERROR` 1
    comes without text, so that it is dropped; the step `note-sections` counts it.

    Args:
        path: `.txt`, one note; or `.csv` or `.tsv`; plain or compressed, UTF-8.

    Raises:
        DataError: The file cannot be read or has another suffix, or a table has no column `TEXT`.
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
        DataError: The file cannot be read, or it has no column `note`.
    """
    return _rows(path, "note")


def _rows(path: Path, column: str) -> Iterator[Document]:
    for number, row in read_rows(path):
        names = {str(name).lower(): name for name in row}
        if column not in names:
            raise DataError(
                f"{path}:1: no column {column.upper()!r} with the notes; the header names "
                f"{', '.join(map(str, list(row)[:20]))}. Rename the column, or take `path:` "
                "without `name:` and give `columns: {text: NAME}`."
            )
        place = f"{path.name}:{number}"
        is_error = _cell(row, names, "iserror") in {"1", "1.0"}  # pandas writes 1.0
        text = "" if is_error else _cell(row, names, column)
        found = (_cell(row, names, name) for name in _IDS)
        yield Document(next(filter(None, found), place), text, place + ERROR_MARK * is_error)


def _cell(row: Mapping[str, Any], names: Mapping[str, str], column: str) -> str:
    return str(row[names[column]] or "").strip() if column in names else ""

"""Rows of any table: .csv, .tsv, JSON, Parquet, Arrow, .xlsx, and folders saved by `datasets`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from domainbert.errors import DataError
from domainbert.plugin.columnar import read_arrow, read_parquet, saved_files
from domainbert.plugin.components import Row
from domainbert.plugin.readers import plain_suffix, read_utf8
from domainbert.plugin.tables import each_once, read_csv, read_objects, read_tsv
from domainbert.plugin.workbook import read_workbook

FORMATS = ("csv", "tsv", "jsonl", "json", "parquet", "arrow", "xlsx")
"""Values of `format:` that name a table; else the suffix does."""


def row_format(path: Path) -> str:
    """Return the format of a table, `saved` for a folder of `datasets`; empty if it is none."""
    if (path / "state.json").is_file():
        return "saved"
    suffix = plain_suffix(path).removeprefix(".")
    return suffix if suffix in FORMATS else ""


def read_table_rows(
    path: Path,
    form: str = "",
    needed: Iterable[str] = (),
    separator: str = "",
    only: tuple[str, ...] | None = None,
) -> Iterator[Row]:
    """Yield the rows of a table with their places; class numbers of `datasets` become names.

    Args:
        path: A file, or a folder written by `Dataset.save_to_disk`.
        form: One of `FORMATS`; else the suffix decides.
        needed: Columns that must be there, where all rows have the same.
        separator: Of a .csv that has neither commas nor what its header shows.
        only: Columns to read of Parquet and Arrow files, the first of which must be there; None
            for all.

    Raises:
        DataError: The format is unknown, or the file is damaged or malformed.
    """
    form, needed = form or row_format(path), tuple(needed)
    there = needed if only is None else only[:1]
    if form == "saved":
        for file in saved_files(path):
            yield from read_arrow(file, there, only)
    elif form in {"parquet", "arrow"}:
        yield from (read_parquet if form == "parquet" else read_arrow)(path, there, only)
    elif form == "xlsx":
        yield from read_workbook(path, there)
    elif form == "json":
        yield from _json_rows(path)
    elif form in FORMATS:
        for number, row in _text_rows(path, form, there, separator):
            yield f"{path}:{number}", row
    else:
        known = ", ".join(f".{name}" for name in FORMATS)
        raise DataError(
            f"{path}: expected a table named {known}, plain or compressed, or a folder saved by "
            "`datasets`; or name the format with `format:`."
        )


def _text_rows(
    path: Path, form: str, needed: tuple[str, ...], separator: str
) -> Iterator[tuple[int, dict[str, Any]]]:
    if form == "jsonl":
        return read_objects(path)
    if form == "csv" or separator:
        return read_csv(path, needed, separator)
    return read_tsv(path, needed)


def _json_rows(path: Path) -> Iterator[Row]:
    """Yield the objects of a file that is one JSON list."""
    try:
        rows = json.loads(read_utf8(path), object_pairs_hook=each_once)
    except (ValueError, RecursionError) as error:
        raise DataError(
            f"{path}: not valid JSON: {error}. Name a file with one object per line .jsonl."
        ) from None
    if not isinstance(rows, list):
        raise DataError(f"{path}: expected a list of objects, found {type(rows).__name__}.")
    for number, row in enumerate(rows, 1):
        where = f"{path}: item {number}"
        if not isinstance(row, dict):
            raise DataError(f"{where}: expected an object, found {type(row).__name__}.")
        yield where, row

"""Read the CPC tasks: abstracts of US patents with their CPC symbols, one JSON object a line.

A line has `id`, `date` (of grant), `text` (the abstract), `section` (the one section from A to H
that its symbols name, null where they name several) and `subclasses` (all of them, sorted).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from domainbert import DataError, Example
from domainbert.readers import read_lines
from domainbert_patent.symbols import SECTIONS, parse_symbol

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FIRST_CLEAN_DATE = "2015-01-01"
"""Patents granted before carry 1.7 symbols each, which are those of the IPC; later ones 8 to 10."""
FIRST_CPC_DATE = "2013-01-01"
"""The CPC is in force since this day: patents granted before have symbols of the IPC."""

_YEARS = {
    "train": ("", FIRST_CPC_DATE),
    "validation": (FIRST_CPC_DATE, FIRST_CLEAN_DATE),
    "test": (FIRST_CLEAN_DATE, "~"),
}


def read_sections(path: Path, _split: str) -> Iterator[Example]:
    """Yield the abstracts of patents whose symbols are of one section, with that section.

    Args:
        path: A file of the split, plain or `.gz`.

    Raises:
        DataError: The file cannot be read, or a line is not such an object.
    """
    return _sections(path, ("", "~"))


def read_later_sections(path: Path, split: str) -> Iterator[Example]:
    """Yield the same of some years: train until 2012, validation 2013 and 2014, test from 2015.

    Args:
        path: A file of the split, plain or `.gz`.
        split: Which years.

    Raises:
        DataError: The file cannot be read, or a line is not such an object.
    """
    return _sections(path, _YEARS[split])


def read_subclasses(path: Path, _split: str) -> Iterator[Example]:
    """Yield the abstracts of patents granted in 2015 or later, with all their subclasses.

    Args:
        path: A file of the split, plain or `.gz`.

    Raises:
        DataError: The file cannot be read, or a line is not such an object.
    """
    return _several(path, (FIRST_CLEAN_DATE, "~"), len("H04L"))


def read_classes(path: Path, _split: str) -> Iterator[Example]:
    """Yield the same with all their classes.

    Args:
        path: A file of the split, plain or `.gz`.

    Raises:
        DataError: The file cannot be read, or a line is not such an object.
    """
    return _several(path, (FIRST_CLEAN_DATE, "~"), len("H04"))


def read_ipc_subclasses(path: Path, _split: str) -> Iterator[Example]:
    """Yield the abstracts of patents granted before 2013, with all their subclasses of the IPC.

    Args:
        path: A file of the split, plain or `.gz`.

    Raises:
        DataError: The file cannot be read, or a line is not such an object.
    """
    return _several(path, ("", FIRST_CPC_DATE), len("H04L"))


def _sections(path: Path, days: tuple[str, str]) -> Iterator[Example]:
    for where, record in _records(path, days):
        section = record["section"]
        if section is None:
            continue
        if section not in SECTIONS:
            raise DataError(f"{where}: section {section!r}: expected one of A to H, or null.")
        yield Example(record["text"], (section,))


def _several(path: Path, days: tuple[str, str], length: int) -> Iterator[Example]:
    """Yield the abstracts of some days with all subclasses, or with prefixes of these."""
    for where, record in _records(path, days):
        labels = record["subclasses"]
        for label in labels:
            if not _is_subclass(label):
                raise DataError(f"{where}: subclass {label!r}: expected one such as 'H04L'.")
        yield Example(record["text"], tuple(dict.fromkeys(label[:length] for label in labels)))


def _is_subclass(label: object) -> bool:
    try:
        return isinstance(label, str) and parse_symbol(label).subclass == label
    except DataError:
        return False


def _records(path: Path, days: tuple[str, str]) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, line in read_lines(path):
        where = f"{path}:{number}"
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{where}: not valid JSON in UTF-8: {error}.") from None
        if (
            not isinstance(record, dict)
            or not all(isinstance(record.get(key), str) for key in ("id", "date", "text"))
            or not isinstance(record.get("subclasses"), list)
            or "section" not in record
        ):
            raise DataError(
                f"{where}: expected an object with the texts 'id', 'date' and 'text', a 'section' "
                "or null, and a list 'subclasses'."
            )
        if days[0] <= record["date"] < days[1]:
            yield where, record

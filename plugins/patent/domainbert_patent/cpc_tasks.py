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


def read_sections(path: Path, _split: str) -> Iterator[Example]:
    """Yield the abstracts of patents whose symbols are of one section, with that section.

    Args:
        path: A file of the split, plain or `.gz`.

    Raises:
        DataError: The file cannot be read, or a line is not such an object.
    """
    for where, record in _records(path):
        section = record["section"]
        if section is None:
            continue
        if section not in SECTIONS:
            raise DataError(f"{where}: section {section!r}: expected one of A to H, or null.")
        yield Example(record["text"], (section,))


def read_subclasses(path: Path, _split: str) -> Iterator[Example]:
    """Yield the abstracts of patents granted in 2015 or later, with all their subclasses.

    Args:
        path: A file of the split, plain or `.gz`.

    Raises:
        DataError: The file cannot be read, or a line is not such an object.
    """
    for where, record in _records(path):
        if record["date"] < FIRST_CLEAN_DATE:
            continue
        labels = record["subclasses"]
        for label in labels:
            if not _is_subclass(label):
                raise DataError(f"{where}: subclass {label!r}: expected one such as 'H04L'.")
        yield Example(record["text"], tuple(labels))


def _is_subclass(label: object) -> bool:
    try:
        return isinstance(label, str) and parse_symbol(label).subclass == label
    except DataError:
        return False


def _records(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
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
        yield where, record

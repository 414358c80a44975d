"""Read the sample corpus: one JSON object a line with the fields `id` and `text`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from domainbert import DataError, Document

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def read_sample(path: Path) -> Iterator[Document]:
    """Yield one document for each line of a JSONL file.

    Args:
        path: A UTF-8 file of objects `{"id": ..., "text": ...}`.

    Raises:
        DataError: The file cannot be read, or a line is not such an object.
    """
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}.") from None
    for number, line in enumerate(lines, 1):
        identity, text = _fields(line, f"{path}:{number}")
        yield Document(identity, text, f"{path.name}:{number}")


def _fields(line: bytes, where: str) -> tuple[str, str]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where}: not valid JSON in UTF-8: {error}. One object a line.") from None
    identity, text = _field(record, "id"), _field(record, "text")
    if not isinstance(identity, str) or not isinstance(text, str):
        raise DataError(f"{where}: expected an object with the strings 'id' and 'text'.")
    return identity, text


def _field(record: object, key: str) -> object:
    return record.get(key) if isinstance(record, dict) else None

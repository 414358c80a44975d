"""Read your own classification data: a text and its label, or labels, in each row."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from domainbert.errors import DataError
from domainbert.plugin.domain import Example
from domainbert.plugin.readers import read_lines, read_utf8

# A 100,000-word document in a cell is longer than the csv module's default allows.
_LONGEST_CELL = 1 << 30
_Row = tuple[int, Any, tuple[str, ...]]


def read_table(path: Path, multi_label: bool) -> Iterator[Example]:
    """Yield the examples of a .tsv, .csv or .jsonl file.

    Tables have a header that names `text` and `label`; several labels in a cell are joined by `|`.
    JSON lines have `text` and `label`, or a list `labels`.

    Args:
        path: The file, UTF-8.
        multi_label: Whether a cell may hold several labels, or none.

    Raises:
        DataError: Missing, not UTF-8, another format, a column is missing, or a cell is empty.
    """
    rows = _json_rows(path) if path.suffix == ".jsonl" else _cells(path, multi_label)
    for number, text, labels in rows:
        if not text.strip():
            raise DataError(f"{path}:{number}: the text is empty.")
        if any(not label or label != label.strip() for label in labels):
            raise DataError(f"{path}:{number}: a label is empty or has blanks around it: {labels}.")
        if len(set(labels)) < len(labels):
            raise DataError(f"{path}:{number}: a label stands twice: {labels}.")
        yield Example(text, labels)


def _cells(path: Path, multi_label: bool) -> Iterator[_Row]:
    if path.suffix not in {".tsv", ".csv"}:
        raise DataError(f"{path}: expected a file named .tsv, .csv or .jsonl.")
    csv.field_size_limit(_LONGEST_CELL)
    # Quotes mean something in .csv alone.
    dialect: Any = {} if path.suffix == ".csv" else {"delimiter": "\t", "quoting": csv.QUOTE_NONE}
    table = csv.DictReader(io.StringIO(read_utf8(path), newline=""), **dialect)
    header = table.fieldnames or []
    for name in ("text", "label"):
        if name not in header:
            named = ", ".join(header) or "nothing"
            raise DataError(f"{path}:1: no column {name!r}; the header names {named}.")
    try:
        for row in table:
            if None in row or None in row.values():
                raise csv.Error(f"expected {len(header)} columns as in the header")
            label = row["label"]
            labels = tuple(label.split("|")) if multi_label else (label,)
            yield table.line_num, row["text"], labels if label else ()
    except csv.Error as error:
        raise DataError(f"{path}:{table.line_num}: {error}.") from None


def _json_rows(path: Path) -> Iterator[_Row]:
    for number, line in read_lines(path):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{path}:{number}: no JSON: {error}") from None
        row = row if isinstance(row, dict) else {}
        labels = row.get("labels", row.get("label"))
        text, labels = row.get("text"), [labels] if isinstance(labels, str) else labels
        if not isinstance(labels, list) or not all(isinstance(s, str) for s in (text, *labels)):
            expected = "expected an object with `text` and `label` or `labels`, as strings"
            raise DataError(f"{path}:{number}: {expected}.")
        yield number, text, tuple(labels)

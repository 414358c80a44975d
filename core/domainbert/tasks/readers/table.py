"""Read your own classification data: a text and its label, or labels, in each row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from domainbert.errors import DataError
from domainbert.plugin.domain import Example
from domainbert.plugin.readers import plain_suffix
from domainbert.plugin.tables import read_objects, read_rows

_Row = tuple[int, Any, tuple[str, ...]]


def read_table(
    path: Path, multi_label: bool, columns: Mapping[str, str] = MappingProxyType({})
) -> Iterator[Example]:
    """Yield the examples of a .tsv, .csv or .jsonl file.

    Tables have a header that names `text` and `label`; several labels in a cell are joined by `|`.
    JSON lines have `text` and `label`, or a list `labels`; whole numbers are labels like text.

    Args:
        path: The file, UTF-8, plain or compressed.
        multi_label: Whether a cell may hold several labels, or none.
        columns: Names of the columns `text` and `label` where they have others.

    Raises:
        DataError: Missing, not UTF-8, another format, a column is missing, or a cell is empty.
    """
    columns, suffix = {"text": "text", "label": "label", **columns}, plain_suffix(path)
    if suffix not in {".tsv", ".csv", ".jsonl"}:
        raise DataError(f"{path}: expected a file named .tsv, .csv or .jsonl, plain or compressed.")
    is_json = suffix == ".jsonl"
    rows = _json_rows(path, columns) if is_json else _cells(path, multi_label, columns)
    for number, text, labels in rows:
        if not text.strip():
            raise DataError(f"{path}:{number}: the text is empty.")
        if any(not label or label != label.strip() for label in labels):
            raise DataError(f"{path}:{number}: a label is empty or has blanks around it: {labels}.")
        if len(set(labels)) < len(labels):
            raise DataError(f"{path}:{number}: a label stands twice: {labels}.")
        yield Example(text, labels)


def _cells(path: Path, multi_label: bool, columns: Mapping[str, str]) -> Iterator[_Row]:
    text, label = columns["text"], columns["label"]
    seen, broken = set[str](), list[tuple[int, str]]()
    for number, row in read_rows(path, (text, label)):
        if label != "labels" and "labels" in row:
            raise DataError(f"{path}:1: has the columns `{label}` and `labels`. Keep one.")
        cell = row[label]
        seen.add(cell)
        if "\n" in row[text]:
            broken.append((number, row[text]))
        labels = tuple(cell.split("|")) if multi_label else (cell,)
        yield number, row[text], labels if cell else ()
    for number, value in broken:
        _refuse_swallowed(f"{path}:{number}", value, seen - {""})


def _refuse_swallowed(where: str, text: str, labels: set[str]) -> None:
    """Refuse a text in which another row stands, as after a quote that opens by mistake."""
    lines = text.split("\n")
    ends = [line for line in lines[:-1] for sign in ",\t" if line.rpartition(sign)[2] in labels]
    starts = [line for line in lines[1:] for sign in ",\t" if line.partition(sign)[0] in labels]
    if both := ends or starts:
        what = f"the text spans {len(lines)} lines, and {both[0][-60:]!r} looks like a row"
        cure = "A quote at the start of a cell opens it: double it, or remove it"
        raise DataError(f"{where}: {what}. {cure}.")


def _json_rows(path: Path, columns: Mapping[str, str]) -> Iterator[_Row]:
    for number, row in read_objects(path):
        given = [key for key in dict.fromkeys((columns["label"], "labels")) if key in row]
        if len(given) > 1:
            raise DataError(f"{path}:{number}: has `{given[0]}` and `{given[1]}`. Keep one.")
        value, text = row.get(given[0]) if given else None, row.get(columns["text"])
        labels = value if isinstance(value, list) else [value]
        if not isinstance(text, str) or not all(map(_is_label, labels)):
            expected = f"an object with `{columns['text']}` as text and `{columns['label']}` or"
            what = "`labels` as text or whole numbers"
            raise DataError(f"{path}:{number}: expected {expected} {what}.")
        yield number, text, tuple(map(str, labels))


def _is_label(value: Any) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)

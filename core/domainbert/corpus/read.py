"""The readers of text files and of tables, and the choice of a reader for a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from domainbert.errors import DataError, listed
from domainbert.plugin.domain import Document
from domainbert.plugin.readers import plain_suffix, read_lines
from domainbert.plugin.registry import component, components, stream
from domainbert.plugin.rows import read_table_rows
from domainbert.plugin.steps import CorpusReader

Options = Mapping[str, str]
"""Names of the columns of text and id, and `text_unit` of a corpus in a recipe."""
TABLES = ("jsonl", "csv", "tsv", "json", "parquet", "arrow", "xlsx")
"""Readers of rows, by their format."""
DEFAULTS: Options = {"text_field": "text", "id_field": "id", "text_unit": "file"}


def reader_of(path: Path, name: str | None = None) -> CorpusReader:
    """Return the reader of a file: the one named, or that of the suffix.

    Raises:
        PluginError: No reader has the name.
        DataError: No reader, or more than one, has the suffix.
    """
    if name is not None:
        return component(CorpusReader, name)
    suffix = plain_suffix(path)
    readers = components(CorpusReader).values()
    matching = [reader for reader in readers if suffix in reader.suffixes]
    if len(matching) == 1:
        return matching[0]
    suffixes = ", ".join(suffix for reader in readers for suffix in reader.suffixes)
    raise DataError(
        f"{path}: {len(matching) or 'no'} readers for the suffix {suffix!r}. Expected one of "
        f"{suffixes}, plain or with .gz, .zst or .zip at the end; or name a reader with `format:`."
    )


def read_documents(
    path: Path, reader: CorpusReader | None = None, **options: str
) -> Iterator[Document]:
    """Yield the documents of one file.

    Args:
        path: The file.
        reader: Its reader; None takes that of the suffix.
        options: Those of `Options` that are not at their default.

    Raises:
        DataError: The file is missing, damaged or malformed, or the reader fails.
    """
    reader = reader or reader_of(path)
    return stream(reader, partial(reader.read, path, {**DEFAULTS, **options}), Document, path)


def read_txt(path: Path, options: Options) -> Iterator[Document]:
    """Yield a document per file, line, or block between blank lines."""
    unit = options["text_unit"]
    start, block = 1, list[str]()
    for number, line in read_lines(path):
        if unit == "line":
            yield _document(path, number, line)
        elif unit == "paragraph" and not line.strip():
            if block:
                yield _document(path, start, "\n".join(block))
            start, block = number + 1, []
        else:
            block.append(line)
    if block or unit == "file":
        yield _document(path, start, "\n".join(block))


def read_table(form: str, path: Path, options: Options) -> Iterator[Document]:
    """Yield a document per row of a table of a format, or line of JSON."""
    text, identity = options["text_field"], options["id_field"]
    for where, row in read_table_rows(path, form, only=(text, identity)):
        number = int(where.rpartition(":")[2].removeprefix(" row ").removeprefix(" item "))
        if identity != DEFAULTS["id_field"] and identity not in row:
            raise DataError(
                f"{where}: no field {identity!r}. Fields: {listed(row)}. See `columns: {{id}}`."
            )
        yield _document(path, number, _text(row, text, where), row.get(identity))


def _document(path: Path, number: int, text: str, identity: Any = None) -> Document:
    place = f"{path.name}:{number}"
    # JSON can hold half of a surrogate pair, which no file can.
    own = "" if identity is None else str(identity).encode(errors="replace").decode()
    return Document(own or place, text, place)


def _text(record: dict[str, Any], field: str, where: str) -> str:
    if field not in record:
        raise DataError(f"{where}: no field {field!r}. Fields: {listed(record)}. Set `text_field`.")
    value = record[field]
    if not isinstance(value, str | None):
        raise DataError(f"{where}: field {field!r} is {type(value).__name__}, expected text.")
    return value or ""  # an absent text counts as an empty document

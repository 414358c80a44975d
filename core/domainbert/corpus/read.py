"""The readers of txt, JSONL, CSV and Parquet files, and the choice of a reader for a file."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from domainbert.errors import DataError
from domainbert.plugin.components import CorpusReader
from domainbert.plugin.domain import Document
from domainbert.plugin.readers import COMPRESSIONS, MAX_LINE_BYTES, read_lines
from domainbert.plugin.registry import component, components, stream

Options = Mapping[str, str]
"""`text_field` and `text_unit` of a corpus in a recipe."""

DEFAULTS: Options = {"text_field": "text", "text_unit": "file"}


def reader_of(path: Path, name: str | None = None) -> CorpusReader:
    """Return the reader of a file: the one named, or that of the suffix.

    Raises:
        PluginError: No reader has the name.
        DataError: No reader, or more than one, has the suffix.
    """
    if name is not None:
        return component(CorpusReader, name)
    bare = path.with_suffix("") if path.suffix.lower() in COMPRESSIONS else path
    readers = components(CorpusReader)
    matching = [r for r in readers.values() if bare.suffix.lower() in r.suffixes]
    if len(matching) == 1:
        return matching[0]
    if matching:
        names = " and ".join(sorted(reader.name for reader in matching))
        raise DataError(f"{path}: {names} both read such files. Name one with `format:`.")
    suffixes = ", ".join(suffix for reader in readers.values() for suffix in reader.suffixes)
    raise DataError(
        f"{path}: no reader for the suffix {bare.suffix!r}. Expected one of {suffixes}, plain or "
        f"with {' or '.join(COMPRESSIONS)} at the end; or name a reader with `format:`."
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
    settings = {**DEFAULTS, **options}
    return stream(reader, partial(reader.read, path, settings), Document, path)


def read_txt(path: Path, options: Options) -> Iterator[Document]:
    """Yield a document per file, line, or block between blank lines."""
    unit = options["text_unit"]
    if unit == "line":
        for number, line in read_lines(path):
            yield _document(path, number, line)
        return
    start, block = 1, list[str]()
    for number, line in read_lines(path):
        if unit == "paragraph" and not line.strip():
            if block:
                yield _document(path, start, "\n".join(block))
            start, block = number + 1, []
        else:
            block.append(line)
    if block or unit == "file":
        yield _document(path, start, "\n".join(block))


def read_jsonl(path: Path, options: Options) -> Iterator[Document]:
    """Yield a document per line that holds a JSON object."""
    for number, line in read_lines(path):
        if not line.strip():
            continue
        where = f"{path}:{number}"
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{where}: not valid JSON: {error}. One object per line.") from None
        if not isinstance(record, dict):
            raise DataError(f"{where}: expected a JSON object, found {type(record).__name__}.")
        text = _text(record, options["text_field"], where)
        yield _document(path, number, text, record.get("id"))


def read_csv(path: Path, options: Options) -> Iterator[Document]:
    """Yield a document per row of a table with a header."""
    csv.field_size_limit(min(MAX_LINE_BYTES, sys.maxsize))
    # csv joins quoted line breaks itself, so it gets the line ends back.
    rows = csv.DictReader((line + "\n" for _, line in read_lines(path)), strict=True)
    try:
        for row in rows:
            text = _text(row, options["text_field"], f"{path}:{rows.line_num}")
            yield _document(path, rows.line_num, text, row.get("id"))
    except csv.Error as error:
        raise DataError(f"{path}:{rows.reader.line_num}: not valid CSV: {error}.") from None


def read_parquet(path: Path, options: Options) -> Iterator[Document]:
    """Yield a document per row of a Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if path.suffix.lower() in COMPRESSIONS:
        raise DataError(f"{path}: Parquet compresses its own pages; decompress the file first.")
    if not path.is_file():
        raise DataError(f"{path}: no such file.")
    field, number = options["text_field"], 0
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as table:
            names = table.schema_arrow.names
            if field not in names:
                raise DataError(
                    f"{path}: no column {field!r}. Columns: {', '.join(names)}. Set `text_field`."
                )
            columns = [name for name in (field, "id") if name in names]
            for batch in table.iter_batches(batch_size=1024, columns=columns):
                for number, row in enumerate(batch.to_pylist(), number + 1):  # noqa: B020  # goes on
                    text = _text(row, field, f"{path}: row {number}")
                    yield _document(path, number, text, row.get("id"))
    except UnicodeDecodeError:
        raise DataError(
            f"{path}: after row {number}: not UTF-8. Write it again as UTF-8."
        ) from None
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path}: not a readable Parquet file: {error}.") from None


def _document(path: Path, number: int, text: str, identity: Any = None) -> Document:
    place = f"{path.name}:{number}"
    # JSON can hold half of a surrogate pair, which no file can.
    own = "" if identity is None else str(identity).encode(errors="replace").decode()
    return Document(own or place, text, place)


def _text(record: dict[str, Any], field: str, where: str) -> str:
    if field not in record:
        known = ", ".join(str(key) for key in list(record)[:20])
        raise DataError(f"{where}: no field {field!r}. Fields: {known}. Set `text_field`.")
    value = record[field]
    if value is None:
        return ""  # an absent text counts as an empty document
    if not isinstance(value, str):
        raise DataError(f"{where}: field {field!r} is {type(value).__name__}, expected text.")
    return value

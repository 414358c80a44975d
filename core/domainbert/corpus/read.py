"""The readers of txt, JSONL, CSV and Parquet files, and the choice of a reader for a file."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import chain
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
    readers = components(CorpusReader).values()
    matching = [reader for reader in readers if bare.suffix.lower() in reader.suffixes]
    if len(matching) == 1:
        return matching[0]
    suffixes = ", ".join(suffix for reader in readers for suffix in reader.suffixes)
    raise DataError(
        f"{path}: {len(matching) or 'no'} readers for the suffix {bare.suffix!r}. Expected one of "
        f"{suffixes}, plain or with .gz or .zst at the end; or name a reader with `format:`."
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
    field, number = options["text_field"], 0
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as table:
            names = table.schema_arrow.names
            _text(dict.fromkeys(names), field, str(path))
            columns = [name for name in (field, "id") if name in names]
            batches = table.iter_batches(batch_size=1024, columns=columns)
            rows = chain.from_iterable(batch.to_pylist() for batch in batches)
            for number, row in enumerate(rows, 1):
                text = _text(row, field, f"{path}: row {number}")
                yield _document(path, number, text, row.get("id"))
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        what = f"{path}: not a readable Parquet file of UTF-8 text, after row {number}: {error}."
        raise DataError(what) from None


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
    if not isinstance(value, str | None):
        raise DataError(f"{where}: field {field!r} is {type(value).__name__}, expected text.")
    return value or ""  # an absent text counts as an empty document

"""The readers of txt, JSONL, CSV, TSV and Parquet files, and the choice of a reader for a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from domainbert.errors import DataError
from domainbert.plugin.components import CorpusReader
from domainbert.plugin.domain import Document
from domainbert.plugin.readers import (
    COMPRESSIONS,
    MAX_LINE_BYTES,
    check_growth,
    check_regular,
    plain_suffix,
    read_lines,
)
from domainbert.plugin.registry import component, components, stream
from domainbert.plugin.tables import Row, read_objects, read_rows

Options = Mapping[str, str]
"""`text_field` and `text_unit` of a corpus in a recipe."""

_PARQUET_ROWS = 64

DEFAULTS: Options = {"text_field": "text", "text_unit": "file"}


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
    yield from _documents(path, read_objects(path), options["text_field"])


def read_csv(path: Path, options: Options) -> Iterator[Document]:
    """Yield a document per row of a .csv or .tsv table with a header."""
    field = options["text_field"]
    yield from _documents(path, read_rows(path, [field]), field)


def _documents(path: Path, rows: Iterable[Row], field: str) -> Iterator[Document]:
    for number, row in rows:
        yield _document(path, number, _text(row, field, f"{path}:{number}"), row.get("id"))


def read_parquet(path: Path, options: Options) -> Iterator[Document]:
    """Yield a document per row of a Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if path.suffix.lower() in COMPRESSIONS:
        raise DataError(f"{path}: Parquet compresses its own pages; decompress the file first.")
    check_regular(path)
    field, number, size = options["text_field"], 0, 0
    there = path.stat().st_size
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as table:
            columns = _columns(table, field, path)
            # One row group at a time and few rows of it: a dictionary page can make each row large.
            for batch in table.iter_batches(batch_size=_PARQUET_ROWS, columns=columns):
                for row in _rows(batch, f"{path}: after row {number}"):
                    number += 1
                    text = _text(row, field, f"{path}: row {number}")
                    size += len(text)
                    check_growth(path, size, there)
                    yield _document(path, number, text, row.get("id"))
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        what = f"{path}: not a readable Parquet file of UTF-8 text, after row {number}: {error}."
        raise DataError(what) from None


def _columns(table: Any, field: str, path: Path) -> list[str]:
    """Return the columns to read of a Parquet file."""
    names = table.schema_arrow.names
    _text(dict.fromkeys(names), field, str(path))
    if twice := next((name for name in (field, "id") if names.count(name) > 1), None):
        raise DataError(f"{path}: the column {twice!r} stands twice. Rename or remove one.")
    return [name for name in (field, "id") if name in names]


def _rows(batch: Any, where: str) -> list[dict[str, Any]]:
    """Return the rows of a batch, its ids as text; each text is measured before it is copied."""
    import pyarrow as pa
    import pyarrow.compute as pc

    columns = {}
    for name in batch.schema.names:
        column = batch.column(name)
        if pa.types.is_dictionary(column.type):
            column = column.dictionary.take(column.indices)
        if name == "id" and not pa.types.is_string(column.type):
            column = column.cast(pa.string())
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            size = pc.sum(pc.binary_length(column)).as_py() or 0
            if size > MAX_LINE_BYTES:
                most = f"expected at most {MAX_LINE_BYTES:,}"
                raise DataError(f"{where}: {size:,} bytes in {len(batch)} rows, {most}.")
        columns[name] = column.to_pylist()
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


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

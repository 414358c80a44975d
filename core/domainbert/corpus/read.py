"""Read txt, JSONL, CSV and Parquet files, plain or compressed, into documents."""

from __future__ import annotations

import csv
import gzip
import io
import json
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from domainbert.errors import DataError
from domainbert.plugin.domain import Document

FORMATS = (".txt", ".jsonl", ".csv", ".parquet")
COMPRESSIONS = (".gz", ".zst")
MAX_RECORD_BYTES = 256 * 1024 * 1024


def read_documents(
    path: Path, text_field: str = "text", text_unit: str = "file"
) -> Iterator[Document]:
    """Yield the documents of one file.

    Args:
        path: A `.txt`, `.jsonl`, `.csv` or `.parquet` file; the first three also `.gz` or `.zst`.
        text_field: Field or column of the text.
        text_unit: For txt, what a document is: `file`, `line` or `paragraph`.

    Raises:
        DataError: Missing, of an unknown format, damaged, not UTF-8, or without the field.
    """
    if not path.is_file():
        raise DataError(f"{path}: no such file.")
    match format_of(path):
        case ".txt":
            yield from _read_txt(path, text_unit)
        case ".jsonl":
            yield from _read_jsonl(path, text_field)
        case ".csv":
            yield from _read_csv(path, text_field)
        case _:
            yield from _read_parquet(path, text_field)


def format_of(path: Path) -> str:
    """Return the format suffix of a file name, compression aside.

    Raises:
        DataError: The name does not end in a known format.
    """
    suffixes = [suffix.lower() for suffix in path.suffixes]
    compressed = bool(suffixes) and suffixes[-1] in COMPRESSIONS
    suffix = suffixes[-2] if compressed and len(suffixes) > 1 else (suffixes or [""])[-1]
    if suffix not in FORMATS:
        raise DataError(
            f"{path}: unknown format {suffix or 'without a suffix'!r}. Expected one of "
            f"{', '.join(FORMATS)}, plain or with {' or '.join(COMPRESSIONS)} at the end."
        )
    return suffix


@contextmanager
def open_bytes(path: Path) -> Iterator[IO[bytes]]:
    """Open a file for reading, decompressing `.gz` and `.zst` on the way.

    Raises:
        DataError: It cannot be opened, or its compressed data is damaged or cut short.
    """
    import zstandard

    try:
        with path.open("rb") as raw:
            if path.suffix.lower() == ".gz":
                with gzip.open(raw) as stream:
                    yield stream  # type: ignore[misc]  # GzipFile reads as IO[bytes]
            elif path.suffix.lower() == ".zst":
                with io.BufferedReader(_ZstdReader(raw)) as stream:
                    yield stream
            else:
                yield raw
    except (EOFError, gzip.BadGzipFile, zlib.error, zstandard.ZstdError) as error:
        raise DataError(
            f"{path}: damaged or cut short: {error}. Fetch or compress the file again."
        ) from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}.") from None


class _ZstdReader(io.RawIOBase):
    # zstandard's own reader takes the end of a cut file for the end of the text.
    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = raw
        self._frame: Any = None
        self._ready = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        import zstandard

        while not self._ready:
            packed = (self._frame.unused_data if self._frame else b"") or self._raw.read(1 << 16)
            if not packed:
                if self._frame is not None and not self._frame.eof:
                    raise EOFError("the last frame has no end")
                return 0
            if self._frame is None or self._frame.eof:
                self._frame = zstandard.ZstdDecompressor().decompressobj()
            self._ready = self._frame.decompress(packed)
        size = min(len(buffer), len(self._ready))
        buffer[:size], self._ready = self._ready[:size], self._ready[size:]
        return size


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (1-based line number, text without its line end); a byte-order mark is dropped."""
    with open_bytes(path) as stream:
        number = 0
        while raw := stream.readline(MAX_RECORD_BYTES + 1):
            number += 1
            if len(raw) > MAX_RECORD_BYTES:
                raise DataError(
                    f"{path}:{number}: a line of more than {MAX_RECORD_BYTES >> 20} MiB. "
                    "Split the document."
                )
            yield number, _decode(raw, path, number).rstrip("\r\n")


def _decode(raw: bytes, path: Path, line: int) -> str:
    try:
        return raw.decode("utf-8-sig" if line == 1 else "utf-8")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}:{line}: not UTF-8 (byte 0x{raw[error.start]:02x}, column {error.start + 1}). "
            "Convert the file, for example with `iconv -f latin1 -t utf-8`."
        ) from None


def _read_txt(path: Path, unit: str) -> Iterator[Document]:
    if unit == "line":
        for number, line in _lines(path):
            yield Document(f"{path.name}:{number}", line, f"{path.name}:{number}")
        return
    start, block = 1, list[str]()
    for number, line in _lines(path):
        if unit == "paragraph" and not line.strip():
            if block:
                yield Document(f"{path.name}:{start}", "\n".join(block), f"{path.name}:{start}")
            start, block = number + 1, []
        else:
            block.append(line)
    if block or unit == "file":
        yield Document(f"{path.name}:{start}", "\n".join(block), f"{path.name}:{start}")


def _read_jsonl(path: Path, field: str) -> Iterator[Document]:
    for number, line in _lines(path):
        if not line.strip():
            continue
        where = f"{path}:{number}"
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{where}: not valid JSON: {error}. One object a line.") from None
        if not isinstance(record, dict):
            raise DataError(f"{where}: expected a JSON object, found {type(record).__name__}.")
        yield Document(
            _identity(record, f"{path.name}:{number}"),
            _text(record, field, where),
            f"{path.name}:{number}",
        )


def _read_csv(path: Path, field: str) -> Iterator[Document]:
    csv.field_size_limit(min(MAX_RECORD_BYTES, sys.maxsize))
    # csv joins quoted line breaks itself, so it gets the line ends back.
    rows = csv.DictReader((line + "\n" for _, line in _lines(path)), strict=True)
    try:
        for row in rows:
            where = f"{path}:{rows.line_num}"
            identity = row.get("id") or f"{path.name}:{rows.line_num}"
            yield Document(identity, _text(row, field, where), f"{path.name}:{rows.line_num}")
    except csv.Error as error:
        raise DataError(f"{path}:{rows.reader.line_num}: not valid CSV: {error}.") from None


def _read_parquet(path: Path, field: str) -> Iterator[Document]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if path.suffix.lower() != ".parquet":
        raise DataError(f"{path}: Parquet compresses its own pages; decompress the file first.")
    number = 0
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as table:
            if field not in table.schema_arrow.names:
                raise DataError(
                    f"{path}: no column {field!r}. Columns: {', '.join(table.schema_arrow.names)}. "
                    "Set `text_field`."
                )
            columns = [field, *(["id"] if "id" in table.schema_arrow.names else [])]
            for batch in table.iter_batches(batch_size=1024, columns=columns):
                for row in batch.to_pylist():
                    number += 1
                    identity = _identity(row, f"{path.name}:{number}")
                    where = f"{path}: row {number}"
                    yield Document(identity, _text(row, field, where), f"{path.name}:{number}")
    except UnicodeDecodeError:
        raise DataError(
            f"{path}: after row {number}: not UTF-8. Write it again as UTF-8."
        ) from None
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path}: not a readable Parquet file: {error}.") from None


def _identity(record: dict[str, Any], otherwise: str) -> str:
    value = record.get("id")
    text = "" if value is None else str(value)
    return text.encode(errors="replace").decode() or otherwise


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

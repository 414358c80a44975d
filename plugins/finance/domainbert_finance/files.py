"""Open files of the field: plain or gzip, of any of the encodings that they are found in."""

from __future__ import annotations

import gzip
import re
import zlib
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from domainbert import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_BYTES = 256 * 1024 * 1024
"""No more than this is held of one file or of one document in it."""

# HTML has no other use for either: one declares entities, the other opens a place for it.
_DECLARATION = re.compile(r"<!ENTITY|<!DOCTYPE[^>\[]{0,500}\[", re.IGNORECASE)


@contextmanager
def open_bytes(path: Path) -> Iterator[IO[bytes]]:
    """Open a file for reading, decompressing `.gz` on the way.

    Raises:
        DataError: It cannot be opened, or its gzip data is damaged or cut short.
    """
    try:
        with path.open("rb") as raw:
            if path.suffix.lower() == ".gz":
                with gzip.open(raw) as stream:
                    yield stream  # type: ignore[misc]  # GzipFile reads as IO[bytes]
            else:
                yield raw
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path}: damaged or cut short: {error}. Fetch the file again.") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}.") from None


def read_bytes(path: Path) -> bytes:
    """Return what a file holds.

    Raises:
        DataError: It cannot be read, is damaged, or longer than `MAX_BYTES`.
    """
    with open_bytes(path) as stream:
        data = stream.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise DataError(f"{path}: more than {MAX_BYTES >> 20} MiB of data. Split the file.")
    return data


def decode(data: bytes, where: str) -> str:
    """Return text from UTF-8, or else from Windows-1252, of which ISO-8859-1 text is a part.

    Args:
        data: Bytes of a text file.
        where: File and line, for the message.

    Raises:
        DataError: A zero byte: this is no text.
    """
    if (at := data.find(b"\0")) >= 0:
        raise DataError(f"{where}: not a text: byte {at} is zero. Is it another kind of file?")
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("iso-8859-1")


def refuse_declarations(text: str, where: str) -> None:
    """Refuse a text that declares entities, which could grow without bound or name other files.

    Raises:
        DataError: It has an entity declaration, or a DOCTYPE with an internal subset.
    """
    if (found := _DECLARATION.search(text)) is not None:
        line = text.count("\n", 0, found.start()) + 1
        raise DataError(
            f"{where}: refused: line {line} of the text declares entities ({found[0][:40]!r}). "
            "Filings and newswire files as published have none: download the file again."
        )

"""Helpers for readers of files, public as `domainbert.readers`: open, decompress, decode, number.

Every error is a `DataError` that names the file, with line and column where there are any.
"""

from __future__ import annotations

import gzip
import io
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from domainbert.errors import DataError

COMPRESSIONS = (".gz", ".zst", ".zip")
MAX_LINE_BYTES = 256 * 1024 * 1024
LINE_ENDS = "Save the file with newlines as line ends"
MAX_RATIO = 200
"""Decompressed bytes per compressed byte; text has 3 to 20."""

# Below this size a high ratio does no harm.
_RATIO_FROM = 64 * 1024 * 1024
_CHUNK = 1 << 16
_BOM = b"\xef\xbb\xbf"
# First bytes of what is often given another name, and what helps.
_UTF_16 = "This is UTF-16: `iconv -f utf-16 -t utf-8` converts it."
_SIGNS = {
    b"\xff\xfe": _UTF_16, b"\xfe\xff": _UTF_16,
    b"\x1f\x8b": "This is compressed: let its name end in .gz.",
    b"PK": "This is a workbook or an archive: let its name end in .xlsx or .zip.",
}  # fmt: skip


def plain_suffix(path: Path) -> str:
    """Return the suffix of a file in lower case, without that of a compression."""
    bare = path.with_suffix("") if path.suffix.lower() in COMPRESSIONS else path
    return bare.suffix.lower()


def check_regular(path: Path, max_bytes: int | None = None) -> None:
    """Refuse what is no file on a disk; a link to one is fine.

    Opening a named pipe waits for ever, and a device has no end.

    Args:
        path: What is about to be read.
        max_bytes: Refuse a larger one, before it is read.

    Raises:
        DataError: Missing, a folder, a pipe or a device, a link to nothing, or too large.
    """
    try:
        found = path.stat()
    except FileNotFoundError:
        what = "a link to a file that is not there" if path.is_symlink() else "no such file"
        raise DataError(f"{path}: {what}.") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}.") from None
    if not stat.S_ISREG(found.st_mode):
        kind = "a folder" if stat.S_ISDIR(found.st_mode) else "a pipe or a device"
        raise DataError(f"{path}: is {kind}, expected a file.")
    if max_bytes is not None and found.st_size > max_bytes:
        raise DataError(f"{path}: {found.st_size:,} bytes, expected at most {max_bytes:,}.")


def read_chunks(path: Path, max_bytes: int | None = None) -> Iterator[bytes]:
    """Yield the bytes of a file in order, `.gz`, `.zst` and `.zip` decompressed.

    Args:
        path: A plain or compressed file; a `.zip` holds one file.
        max_bytes: Refuse more than this, after decompression.

    Raises:
        DataError: Missing, unreadable, damaged, cut short or too large.
    """
    check_regular(path)
    size = 0
    try:
        with path.open("rb") as raw:
            for chunk in _decompressed(raw, path):
                size += len(chunk)
                if max_bytes is not None and size > max_bytes:
                    raise DataError(f"{path}: more than {max_bytes:,} bytes. Split the file.")
                check_growth(path, size, raw.tell())
                yield chunk
    except (EOFError, gzip.BadGzipFile, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(
            f"{path}: damaged or cut short after byte {size} of the decompressed data: {error}. "
            "Fetch or compress the file again."
        ) from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}.") from None


def check_growth(path: Path, size: int, compressed: int) -> None:
    """Refuse what grows as no text does when it is decompressed.

    Raises:
        DataError: `size` bytes came from `compressed` bytes of the file.
    """
    if size > _RATIO_FROM and size > MAX_RATIO * compressed:
        raise DataError(
            f"{path}: grows to more than {MAX_RATIO} times its size when it is decompressed, which "
            "text does not. Decompress it yourself if you trust it."
        )


def open_bytes(path: Path, max_bytes: int | None = None) -> io.BufferedReader:
    """Return a stream of the bytes of a file; arguments and errors are those of `read_chunks`."""
    return io.BufferedReader(_Stream(read_chunks(path, max_bytes)), _CHUNK)


def read_bytes(path: Path, max_bytes: int | None = None) -> bytes:
    """Return the bytes of a file; arguments and errors are those of `read_chunks`."""
    return b"".join(read_chunks(path, max_bytes))


def read_utf8(path: Path) -> str:
    """Return the text of a file, without a byte-order mark.

    Raises:
        DataError: As of `read_chunks`; or not UTF-8.
    """
    return decode(read_bytes(path).removeprefix(_BOM), path)


def read_lines(
    path: Path,
    encoding: str = "utf-8",
    max_line_bytes: int = MAX_LINE_BYTES,
    max_bytes: int | None = None,
) -> Iterator[tuple[int, str]]:
    """Yield (1-based number, text without its end) of each line; only newlines end lines.

    Args:
        path: A plain or compressed file; a byte-order mark is dropped.
        encoding: Of its text.
        max_line_bytes: Refuse longer lines.
        max_bytes: Refuse more than this, after decompression.

    Raises:
        DataError: As of `read_chunks`; a line is too long, or not in the encoding.
    """
    with open_bytes(path, max_bytes) as stream:
        for number, raw in enumerate(iter(lambda: stream.readline(max_line_bytes + 1), b""), 1):
            if len(raw) > max_line_bytes:
                raise DataError(f"{path}:{number}: a line of more than {max_line_bytes:,} bytes.")
            line = raw.removeprefix(_BOM) if number == 1 else raw
            yield number, decode(line, path, number, encoding).rstrip("\r\n")


def decode(raw: bytes, path: Path, line: int = 1, encoding: str = "utf-8") -> str:
    """Return the text of bytes.

    Args:
        raw: Bytes of a file.
        path: The file, for the message.
        line: Line at which they begin.
        encoding: Of the text.

    Raises:
        DataError: Another encoding; with line and column, both from 1 and in bytes.
    """
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        before, end = raw[: error.start], b"\n"
        known = [cure for sign, cure in _SIGNS.items() if line == 1 and raw.startswith(sign)]
        cure = (*known, "Convert the file, for example with `iconv -f latin1 -t utf-8`.")[0]
        where = f"{path}:{line + before.count(end)}:{error.start - before.rfind(end)}"
        raise DataError(
            f"{where}: not {encoding.upper()} (byte 0x{raw[error.start]:02x}). {cure}"
        ) from None


def decode_western(data: bytes, where: str) -> str:
    """Return text from UTF-8, or else from Windows-1252, of which ISO-8859-1 text is a part.

    Args:
        data: Bytes of a text file.
        where: The file, with a line if it has one, for the message.

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


class _Stream(io.RawIOBase):
    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks, self._rest = chunks, memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        rest = self._rest or memoryview(next(self._chunks, b""))
        size = min(len(buffer), len(rest))
        buffer[:size], self._rest = rest[:size], rest[size:]
        return size

    def close(self) -> None:
        self._chunks.close()  # type: ignore[attr-defined]  # a generator, which closes the file
        super().close()


def _decompressed(raw: IO[bytes], path: Path) -> Iterator[bytes]:
    suffix = path.suffix.lower()
    if suffix == ".zst":
        yield from _zstd(raw)
        return
    streams: dict[str, Callable[[], Any]] = {
        ".gz": lambda: gzip.GzipFile(fileobj=raw),
        ".zip": lambda: _only_member(zipfile.ZipFile(raw), path),
    }
    stream = streams.get(suffix, lambda: raw)()
    # read1 returns what was decompressed before a damaged place; read would lose it.
    while chunk := stream.read1(_CHUNK):
        yield chunk


def _only_member(archive: zipfile.ZipFile, path: Path) -> IO[bytes]:
    members = [member for member in archive.infolist() if not member.is_dir()]
    if len(members) != 1:
        names = ", ".join(member.filename for member in members[:3])
        raise DataError(
            f"{path}: holds {len(members)} files ({names}…), expected one. Unpack it, and name the "
            "files with text."
        )
    try:
        return archive.open(members[0])
    except (RuntimeError, NotImplementedError) as error:  # a password, or a rare compression
        raise DataError(f"{path}: cannot be decompressed: {error}. Unpack it yourself.") from None


def _zstd(raw: IO[bytes]) -> Iterator[bytes]:
    # zstandard's own reader takes the end of a cut file for the end of the text.
    import zstandard

    frame, rest = None, b""
    # A small piece at once, since each of its bytes can become 32 KiB.
    while packed := rest or raw.read(1 << 12):
        if frame is None or frame.eof:
            frame = zstandard.ZstdDecompressor().decompressobj()
        try:
            chunk = frame.decompress(packed)
        except zstandard.ZstdError as error:
            raise EOFError(str(error)) from None
        rest = frame.unused_data
        if chunk:
            yield chunk
    if frame is not None and not frame.eof:
        raise EOFError("the last frame has no end")

"""Public helpers for readers of files: decode, with file and line in every error."""

from __future__ import annotations

from pathlib import Path

from domainbert.errors import DataError


def read_utf8(path: Path) -> str:
    """Return the text of a user's file, without a byte-order mark.

    Raises:
        DataError: Missing, or not UTF-8.
    """
    if not path.is_file():
        raise DataError(f"{path}: no such file.")
    raw = path.read_bytes()
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise DataError(f"{path}:{line}: not UTF-8. Convert the file, e.g. with `iconv`.") from None

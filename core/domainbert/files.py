"""Write files so that a reader sees the old or the new content, never half of one."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from domainbert.errors import DataError, StorageFullError

_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def expand_user(path: str) -> Path:
    """Return a path with `~` replaced; that of a user who does not exist stays as it is."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def sha256_file(path: Path) -> str:
    """Return the lower-case hex SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def fsync_path(path: Path) -> None:
    """Flush a file or a folder to the device; a rename survives power loss only after this."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn "no space left" into an error that says what is still whole.

    Raises:
        StorageFullError: Writing below `path` ran out of space or quota.
    """
    try:
        yield
    except Exception as error:
        if _no_space(error):
            free = shutil.disk_usage(_existing(path)).free / 1e6
            raise StorageFullError(
                f"{path}: no space left on the device ({free:.0f} MB free). Nothing was "
                "half-written and the last checkpoint is whole: free some space and run the same "
                "command again."
            ) from None
        raise


def _no_space(error: BaseException) -> bool:
    # safetensors and pyarrow wrap the system error in types of their own.
    if isinstance(error, OSError) and error.errno in _NO_SPACE:
        return True
    return "No space left on device" in str(error) or "File too large" in str(error)


def _existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 file beside `path`, flush it and rename it into place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with storage_errors(path):
            with beside.open("w", encoding="utf-8", newline="\n") as stream:
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
            beside.replace(path)
            fsync_path(path.parent)
    finally:
        beside.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Write JSON with sorted keys, in the manner of `write_text`."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n")


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


def read_json(path: Path) -> Any:
    """Read a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


@contextmanager
def folder_in_place(path: Path) -> Iterator[Path]:
    """Yield an empty folder beside `path` that becomes `path` when the block succeeds.

    Every file is flushed before the rename. A block that fails leaves nothing behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    shutil.rmtree(beside, ignore_errors=True)
    try:
        with storage_errors(path):
            beside.mkdir()
            yield beside
            for item in sorted(beside.rglob("*")):
                fsync_path(item)
            fsync_path(beside)
            if path.exists():
                shutil.rmtree(path)
            beside.replace(path)
            fsync_path(path.parent)
    finally:
        shutil.rmtree(beside, ignore_errors=True)

"""JSON of legal data sets: read from a file or an archive, and taken apart with its place named."""

from __future__ import annotations

import json
import zipfile
import zlib
from typing import TYPE_CHECKING, Any

from domainbert import DataError
from domainbert.readers import check_regular, decode, each_once, read_bytes

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES = 512 * 1024 * 1024
"""No more than this is held of one file; CUAD's questions are some tens of millions."""

_NAMES: dict[type, str] = {str: "a text", list: "a list", dict: "an object", int: "a whole number"}


def read_json(path: Path) -> Any:
    """Return the content of a JSON file, plain or compressed.

    Raises:
        DataError: It cannot be read, is longer than `MAX_BYTES`, no JSON, or has a key twice.
    """
    return _parsed(read_bytes(path, MAX_BYTES), path, str(path))


def read_member(path: Path, name: str) -> Any:
    """Return the content of a JSON file in a ZIP archive.

    Args:
        path: The archive.
        name: Of the file, with its folder.

    Raises:
        DataError: As of `read_json`; or the archive is damaged or has no such file.
    """
    check_regular(path)
    where = f"{path}: {name}"
    try:
        with zipfile.ZipFile(path) as archive, archive.open(name) as stream:
            raw = stream.read(MAX_BYTES + 1)
    except KeyError:
        raise DataError(f"{path}: holds no {name!r}. Take the published archive.") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError) as error:
        raise DataError(f"{where}: cannot be read: {error}. Fetch the archive again.") from None
    if len(raw) > MAX_BYTES:
        raise DataError(f"{where}: more than {MAX_BYTES:,} bytes. Take the published archive.")
    return _parsed(raw, path, where)


def _parsed(raw: bytes, path: Path, where: str) -> Any:
    text = decode(raw.removeprefix(b"\xef\xbb\xbf"), path)
    try:
        return json.loads(text, object_pairs_hook=each_once)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where}: not valid JSON: {error}.") from None


def value_of(holder: Any, key: str, kind: type, where: str, shape: str) -> Any:
    """Return a value of a JSON object.

    Args:
        holder: What should be the object.
        key: Of the value.
        kind: `str`, which may not be blank, `list`, `dict` or `int`.
        where: Its place, for the message.
        shape: What the file should look like, for the message.

    Raises:
        DataError: It is missing or of another kind.
    """
    value: Any = holder.get(key) if isinstance(holder, dict) else None
    right = isinstance(value, kind) and not isinstance(value, bool)
    if not right or (kind is str and not str(value).strip()):
        found = f"{value!r:.60}" if isinstance(holder, dict) else f"{holder!r:.60} around it"
        raise DataError(f"{where}: expected `{key}` as {_NAMES[kind]}, found {found}. {shape}")
    return value

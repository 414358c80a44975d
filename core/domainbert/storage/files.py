"""Write files so that a reader sees the old or the new content, never half of one."""

from __future__ import annotations

import errno
import glob
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from typing import Any

from domainbert.errors import DomainBertError, StorageError, StorageFullError, UserError
from domainbert.system import fsync_path

_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
# Not ETIMEDOUT and the like: from a download they speak of the network.
_REFUSED = {
    errno.EACCES, errno.EPERM, errno.EROFS, errno.EBUSY,
    errno.EIO, errno.ENXIO, errno.ENODEV, errno.ESTALE, errno.ENOTCONN,
    errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENOTEMPTY, errno.ENAMETOOLONG, errno.ELOOP,
}  # fmt: skip
_SEAL = "seal"
MANIFEST = "MANIFEST.json"
"""Hashes of the other files of a folder, by `write_manifest`."""
_WHOLE = "Nothing was half-written and what was there before is whole: "
_AGAIN = " and run the same command again."


def expand_user(path: str) -> Path:
    """Return a path with `~` replaced, unless there is no such user."""
    return Path(os.path.expanduser(path))  # noqa: PTH111  # Path.expanduser raises


def find_files(folder: Path, pattern: str) -> list[Path]:
    """Return what a glob matches, but folders, sorted; `**` follows no links, which may go round.

    As in a shell, `*` matches no hidden names.

    Args:
        folder: A relative pattern starts here; brackets in its name are no pattern.
        pattern: A path or a glob.
    """
    if "\0" in pattern:
        return []
    parts = Path(pattern).parts
    fixed = list(takewhile(lambda part: not glob.has_magic(part), parts))
    root, rest = folder.joinpath(*fixed), parts[len(fixed) :]
    if not rest:
        return [root] if root.is_symlink() or root.exists() else []
    try:
        found = list(root.glob("/".join(rest)))
    except (ValueError, OSError):  # `**` beside other characters; a loop of links
        return []
    hidden = any(part.startswith(".") for part in rest)
    inside = [path.relative_to(root).parts for path in found]
    return sorted(
        path
        for path, names in zip(found, inside, strict=True)
        if not path.is_dir() and (hidden or not any(name.startswith(".") for name in names))
    )


def sha256_of(text: str) -> str:
    """Return the hash of a text."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def sha256_file(path: Path) -> str:
    """Return the lower-case hex SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def describe_file(path: Path) -> dict[str, Any]:
    """Return hash and size of a file, for `file_trouble`."""
    return {"sha256": sha256_file(path), "bytes": path.stat().st_size}


def file_trouble(path: Path, expected: dict[str, Any]) -> str | None:
    """Return how a file differs from its `describe_file`; None if it does not."""
    try:
        size = path.stat().st_size
        if size != expected["bytes"]:
            return f"has {size} bytes of {expected['bytes']}"
        same = sha256_file(path) == expected["sha256"]
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    return None if same else "does not have the hash it was written with"


def files_trouble(folder: Path, described: dict[str, Any]) -> str:
    """Return which of some files is not as `describe_file` said, and how; empty if all are."""
    troubles = ((name, file_trouble(folder / name, is_)) for name, is_ in described.items())
    return next((f"{name} {trouble}" for name, trouble in troubles if trouble), "")


def make_folder(path: Path) -> None:
    """Make a folder and what is missing above it, so that each of them survives power loss."""
    missing = list(takewhile(lambda folder: not folder.exists(), (path, *path.parents)))
    path.mkdir(parents=True, exist_ok=True)
    for folder in missing:
        fsync_path(folder.parent)


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn a refusal of the system into an error that names the path and the way out.

    Raises:
        StorageFullError: Writing below `path` ran out of space or quota.
        StorageError: The system refused, as for a device that fails or is read-only.
    """
    try:
        yield
    except DomainBertError:
        raise
    except Exception as error:
        number = _system_error(error)
        if number in _NO_SPACE:
            free = f"no space left on the device ({_free(path) / 1e6:.0f} MB free)"
            raise StorageFullError(f"{path}: {free}. {_WHOLE}free some space{_AGAIN}") from None
        if number in _REFUSED:
            where = getattr(error, "filename2", None) or getattr(error, "filename", None) or path
            trouble = f"{where}: cannot be written: {os.strerror(number)}"
            cure = f"put right the path, its permissions or the device{_AGAIN}"
            raise StorageError(f"{trouble}. {_WHOLE}{cure}") from None
        raise


def check_folder(path: Path) -> None:
    """Refuse to write below a folder that was there and is not any more.

    Raises:
        StorageError: It is gone; a new one in its place would belong to no run.
    """
    if not path.is_dir():
        moved = f"{path}: was moved or removed while it was written to"
        raise StorageError(f"{moved}. What it holds is whole: put it back{_AGAIN}")


def check_space(path: Path, needed: int) -> None:
    """Refuse to begin writing what does not fit.

    Args:
        path: What is to be written; its folder need not exist.
        needed: Bytes.

    Raises:
        StorageFullError: Fewer bytes are free.
    """
    if (free := _free(path)) < needed:
        has = f"needs {needed / 1e6:,.1f} MB, the device has {free / 1e6:,.1f} MB free"
        raise StorageFullError(f"{path}: {has}. {_WHOLE}free some space{_AGAIN}")


def _system_error(error: BaseException) -> int:
    """Return the number of a system error; 0 for another error."""
    if isinstance(error, OSError):
        return error.errno or 0
    # safetensors and pyarrow wrap it in their own types.
    match = re.search(r"\(os error (\d+)\)|\[errno (\d+)\]", str(error), re.IGNORECASE)
    return int(match[1] or match[2]) if match else 0


def _free(path: Path) -> int:
    """Return the free bytes of the device that holds a path, which need not exist."""
    return shutil.disk_usage(next(p for p in (path, *path.parents) if p.exists())).free


def put_in_place(beside: Path, path: Path) -> None:
    """Rename a complete file, so that it stays whole under its name after a power cut."""
    fsync_path(beside)
    beside.replace(path)
    fsync_path(path.parent)


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 file beside `path`, flush it and rename it into place."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with storage_errors(path):
            make_folder(path.parent)
            beside.write_text(text, encoding="utf-8", newline="\n")
            put_in_place(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Write JSON with sorted keys, in the manner of `write_text`."""
    text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    write_text(path, text + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def write_json_with_hash(path: Path, value: dict[str, Any]) -> None:
    """Write a JSON object with a hash of itself, so that no bit of it can change unseen."""
    write_json(path, {**value, _SEAL: _seal(value)})


def read_json_with_hash(path: Path) -> dict[str, Any]:
    """Read a JSON object that `write_json_with_hash` wrote, without its hash.

    Raises:
        ValueError: It is not as it was written.
    """
    value = read_json(path)
    seal = value.pop(_SEAL, None) if isinstance(value, dict) else None
    if seal is None or seal != _seal(value):
        raise ValueError("not as it was written")
    return dict(value)


def read_if_whole(path: Path) -> dict[str, Any]:
    """Return the content of a file with a hash; nothing if it is missing or not as written."""
    try:
        return read_json_with_hash(path)
    except (OSError, ValueError, RecursionError):
        return {}


def _seal(value: dict[str, Any]) -> str:
    return sha256_of(json.dumps(value, sort_keys=True))


def files_in(folder: Path) -> list[Path]:
    """Return the files in a folder and in those below it, by their paths from it, sorted."""
    return sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())


def write_manifest(folder: Path) -> None:
    """Write hash and size of every file in a folder into its `MANIFEST.json`."""
    described = {path.as_posix(): describe_file(folder / path) for path in files_in(folder)}
    write_json_with_hash(folder / MANIFEST, {"files": described})


def manifest_trouble(folder: Path) -> str:
    """Return which file of a folder differs from its manifest, and how; empty if none does."""
    if not (folder / MANIFEST).is_file():
        return ""
    try:
        return files_trouble(folder, read_json_with_hash(folder / MANIFEST)["files"])
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return f"{MANIFEST} is damaged"


def _umask() -> int:
    mask = os.umask(0o077)  # it can be read only by setting it
    os.umask(mask)
    return mask


@contextmanager
def folder_in_place(path: Path) -> Iterator[Path]:
    """Yield an empty folder beside `path` that becomes `path` when the block succeeds.

    Every file is flushed before the rename. A block that fails leaves nothing behind.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    shutil.rmtree(beside, ignore_errors=True)
    try:
        with storage_errors(path):
            make_folder(path.parent)
            beside.mkdir()
            yield beside
            for item in sorted(beside.rglob("*")):
                if item.is_file():  # safetensors lets nobody else read
                    item.chmod(0o666 & ~_umask())
                fsync_path(item)
            fsync_path(beside)
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            beside.replace(path)
            fsync_path(path.parent)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def check_utf8(path: Path) -> None:
    """Refuse a path with bytes that no text file of a run could hold.

    Raises:
        UserError: It is not UTF-8.
    """
    shown = str(path).encode(errors="backslashreplace").decode()
    if shown != str(path):
        raise UserError(f"{shown}: this name is not UTF-8. Rename it.")

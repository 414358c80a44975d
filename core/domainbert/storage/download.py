"""Find a declared file by its hash: in `DOMAINBERT_DATA`, in the cache, or by download."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from domainbert.errors import DataError
from domainbert.plugin.domain import DataFile
from domainbert.storage.files import fsync_path, make_folder, sha256_file, storage_errors

DATA_VARIABLE = "DOMAINBERT_DATA"
CACHE_VARIABLE = "DOMAINBERT_CACHE"
ATTEMPTS = 5
_LOOK = 0.2

Progress = Callable[[int, int], None]
"""Called with bytes so far and bytes in all."""


def cache_folder() -> Path:
    """Return the folder of downloads: `DOMAINBERT_CACHE` or the user's cache folder."""
    if configured := os.environ.get(CACHE_VARIABLE):
        return Path(configured)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "domainbert"


@contextmanager
def temporary_cache(folder: Path) -> Iterator[None]:
    """Let downloads go to another folder while the block runs; what is in the cache is still found.

    Args:
        folder: Made when something is downloaded.
    """
    before = {name: os.environ.get(name) for name in (DATA_VARIABLE, CACHE_VARIABLE)}
    usual = cache_folder() / "files"
    searched = [before[DATA_VARIABLE] or "", str(usual) if usual.is_dir() else ""]
    os.environ[DATA_VARIABLE] = os.pathsep.join(filter(None, searched))
    os.environ[CACHE_VARIABLE] = str(folder)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def locate(file: DataFile, progress: Progress | None = None) -> Path:
    """Return a path whose content has the declared hash, downloading it if need be.

    Args:
        file: What is looked for.
        progress: Told of the download's progress.

    Raises:
        DataError: It is nowhere, cannot be downloaded, or has another hash.
    """
    folders = [Path(part) for part in os.environ.get(DATA_VARIABLE, "").split(os.pathsep) if part]
    for folder in folders:
        if (found := _find_in(folder, file)) is not None:
            return found
    cached = cache_folder() / "files" / file.sha256[:16] / file.name
    if _is_whole(file, cached):
        return cached
    if file.url is None:
        looked = os.pathsep.join(map(str, folders)) or f"{DATA_VARIABLE} is not set"
        raise DataError(
            f"{file.name}: not found (sha256 {file.sha256[:12]}…, {file.size} bytes; looked in: "
            f"{looked}). It has no download address: set {DATA_VARIABLE} to a folder that holds it."
        )
    _download(file, cached, progress)
    return cached


def _find_in(folder: Path, file: DataFile) -> Path | None:
    if not folder.is_dir():
        raise DataError(f"{DATA_VARIABLE}: {folder} is not a folder.")
    # The size tells most files apart without reading them.
    same_size = (
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.stat().st_size == file.size
    )
    return next((path for path in same_size if sha256_file(path) == file.sha256), None)


def _is_whole(file: DataFile, path: Path) -> bool:
    if not path.is_file() or path.stat().st_size != file.size:
        return False
    return sha256_file(path) == file.sha256


def _download(file: DataFile, target: Path, progress: Progress | None) -> None:
    try:
        make_folder(target.parent)
    except OSError as error:
        raise DataError(f"{target.parent}: cannot be made: {error.strerror}.") from None
    partial = target.with_name(target.name + ".partial")

    def wait() -> None:
        if progress:
            progress(_arrived(partial), file.size)
        time.sleep(_LOOK)

    with _alone(target.with_name(target.name + ".lock"), wait):
        if not _is_whole(file, target):  # another run may have brought it meanwhile
            _fetch(file, partial, target, progress)


@contextmanager
def _alone(path: Path, wait: Callable[[], None]) -> Iterator[None]:
    """Keep other runs out while the block runs; a file system without locks lets them in."""
    with storage_errors(path):
        stream = path.open("ab")
    with stream:
        while True:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                wait()
                continue
            except OSError:
                pass
            break
        yield


def _fetch(file: DataFile, partial: Path, target: Path, progress: Progress | None) -> None:
    import httpx2

    trouble = ""
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(min(0.2 * 2**attempt, 5.0))
        try:
            with storage_errors(target):
                _fetch_rest(file, partial, progress)
        except httpx2.HTTPStatusError as error:
            trouble = f"the server answered {error.response.status_code}"
            if error.response.status_code < 500:
                break
        except (httpx2.InvalidURL, httpx2.UnsupportedProtocol, ValueError):
            trouble = "this is no address to download from"
            break
        except httpx2.HTTPError as error:
            trouble = str(error) or type(error).__name__
        else:
            _publish(file, partial, target)
            return
    raise DataError(
        f"{file.name}: cannot be downloaded from {_public(file.url or '')}: {trouble}. What "
        "arrived is kept and continued next time. Or put the file into a folder named by "
        f"{DATA_VARIABLE}."
    )


def _arrived(partial: Path) -> int:
    try:
        return partial.stat().st_size
    except FileNotFoundError:
        return 0


def _fetch_rest(file: DataFile, partial: Path, progress: Progress | None) -> None:
    import httpx2

    done = _arrived(partial)
    if done >= file.size:
        return
    # The declared hash and the range are those of the file, not of an encoding of it.
    headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={done}-"} if done else {})}
    url = file.url or ""
    with httpx2.stream("GET", url, headers=headers, follow_redirects=True, timeout=30) as response:
        response.raise_for_status()
        # A server that ignores the range sends the whole file again, with status 200.
        mode, done = ("ab", done) if response.status_code == 206 else ("wb", 0)
        with partial.open(mode) as stream:
            for chunk in response.iter_raw():
                stream.write(chunk)
                done += len(chunk)
                if progress:
                    progress(done, file.size)
                if done > file.size:
                    return  # longer than declared: the hash check refuses it
    if done < file.size:
        raise httpx2.RemoteProtocolError(f"connection ended after {done} of {file.size} bytes")


def _publish(file: DataFile, partial: Path, target: Path) -> None:
    size, found = partial.stat().st_size, sha256_file(partial)
    if found != file.sha256:
        partial.unlink()
        raise DataError(
            f"{file.name}: wrong content from {_public(file.url or '')}: expected sha256 "
            f"{file.sha256} ({file.size} bytes), got {found} ({size} bytes). It was deleted. "
            "The publisher may have changed the file; do not use it under the old name."
        )
    fsync_path(partial)
    partial.replace(target)
    fsync_path(target.parent)


def _public(url: str) -> str:
    """Return a URL without user name, password and query, which may be secrets."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))

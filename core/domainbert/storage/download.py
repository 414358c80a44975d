"""Find a declared file by its hash: in `DOMAINBERT_DATA`, in the cache, or by download."""

from __future__ import annotations

import ipaddress
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from domainbert.errors import DataError
from domainbert.plugin.places import DataFile
from domainbert.storage.files import make_folder, put_in_place, sha256_file, storage_errors
from domainbert.system import lock
from domainbert.visible import public_url

DATA_VARIABLE = "DOMAINBERT_DATA"
CACHE_VARIABLE = "DOMAINBERT_CACHE"
ATTEMPTS = 5
_LOOK = 0.2
_PATIENCE = 20.0
"""Seconds of silence, for all headers, and over which the rate is measured."""
_LEAST_RATE = 1000
_MOST_REDIRECTS = 10
_FOR_ANY_HOST = {"accept-encoding", "range", "user-agent"}

Progress = Callable[[int, int], None]
"""Called with bytes so far and bytes in all."""


def cache_folder() -> Path:
    """Return the folder of downloads: `DOMAINBERT_CACHE` or the user's cache folder."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get(CACHE_VARIABLE) or Path(base) / "domainbert")


def locate(file: DataFile, progress: Progress | None = None) -> Path:
    """Return a path whose content has the declared hash, downloading it if need be.

    Args:
        file: A file with size and hash.
        progress: Called during a download.

    Raises:
        DataError: It is nowhere, cannot be downloaded, or has another hash.
    """
    folders = [Path(part) for part in os.environ.get(DATA_VARIABLE, "").split(os.pathsep) if part]
    for folder in folders:
        if not folder.is_dir():
            raise DataError(f"{DATA_VARIABLE}: {folder} is not a folder.")
        if same := next((path for path in sorted(folder.rglob("*")) if _is(file, path)), None):
            return same
    cached = cache_folder() / "files" / file.sha256[:16] / file.name
    if _is(file, cached):
        return cached
    if file.url is None:
        searched = os.pathsep.join(map(str, folders)) or f"{DATA_VARIABLE} is not set"
        about = f"sha256 {file.sha256[:12]}…, {file.size} bytes; looked in: {searched}"
        for other in (path for folder in folders for path in sorted(folder.rglob("*"))):
            if other.name == file.name and other.is_file():
                about += f"; {other} has other bytes, sha256 {sha256_file(other)[:12]}…"
        cure = f"It has no download address: set {DATA_VARIABLE} to a folder that holds it."
        raise DataError(f"{file.name}: not found ({about}). {cure}")
    with storage_errors(cached):
        make_folder(cached.parent)
    with _alone(cached, lambda done: progress(done, file.size) if progress else None):
        if not _is(file, cached):  # another run may have brought it meanwhile
            _fetch(file, cached, progress)
    return cached


def _is(file: DataFile, path: Path) -> bool:
    """Return whether a path holds the file; the size tells most apart without reading them."""
    same_size = path.is_file() and path.stat().st_size == file.size
    return same_size and sha256_file(path) == file.sha256


def _partial(target: Path) -> Path:
    return target.with_name(target.name + ".partial")


def _arrived(target: Path) -> int:
    try:
        return _partial(target).stat().st_size
    except FileNotFoundError:  # another run may just have renamed it
        return 0


@contextmanager
def _alone(target: Path, show: Callable[[int], None]) -> Iterator[None]:
    """Keep other runs out while the block runs; a file system without locks lets them in."""
    with storage_errors(target), target.with_name(target.name + ".lock").open("ab") as stream:
        while not _lock(stream):
            show(_arrived(target))
            time.sleep(_LOOK)
        yield


def _lock(stream: BinaryIO) -> bool:
    """Return whether to go on: the lock is ours, or the file system has none."""
    try:
        lock(stream)
    except OSError as error:
        return not isinstance(error, BlockingIOError)
    return True


def _fetch(file: DataFile, target: Path, progress: Progress | None) -> None:
    import httpx2

    trouble = ""
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(min(0.2 * 2**attempt, 5.0))
        try:
            _fetch_rest(file, target, progress)
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
            _publish(file, target)
            return
    cure = f"What arrived is kept for the next call. Or put the file into {DATA_VARIABLE}."
    address = public_url(file.url or "")
    raise DataError(f"{file.name}: cannot be downloaded from {address}: {trouble}. {cure}")


def _fetch_rest(file: DataFile, target: Path, progress: Progress | None) -> None:
    import httpx2

    done = _arrived(target)
    if done >= file.size:
        return
    # The declared hash and the range are those of the file, not of an encoding of it.
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={done}-"} if done else {})
    pace = _Pace()
    with (
        httpx2.Client(timeout=_PATIENCE) as client,
        open_response(client, file.url or "", headers) as response,
    ):
        response.raise_for_status()
        # A server that ignores the range sends the whole file again, with status 200.
        mode, done = ("ab", done) if response.status_code == 206 else ("wb", 0)
        with _partial(target).open(mode) as stream:
            for chunk in response.iter_raw():
                stream.write(chunk)
                done += len(chunk)
                pace.check(len(chunk))
                if progress:
                    progress(done, file.size)
                if done > file.size:
                    return  # longer than declared: the hash check refuses it
    if done < file.size:
        raise httpx2.RemoteProtocolError(f"connection ended after {done} of {file.size} bytes")


@contextmanager
def open_response(client: Any, url: str, headers: dict[str, str]) -> Iterator[Any]:
    """Yield a response, after redirects to places where a stranger may send us.

    Raises:
        DataError: A redirect away from encryption, or from a public host into a private network.
    """
    for _ in range(_MOST_REDIRECTS):
        # A server that never ends its headers loses the connection.
        watch = threading.Timer(_PATIENCE, client.close)
        watch.daemon = True
        watch.start()
        try:
            response = client.send(client.build_request("GET", url, headers=headers), stream=True)
        finally:
            watch.cancel()
        if not response.has_redirect_location:
            try:
                yield response
            finally:
                response.close()
            return
        target = str(response.url.join(response.headers["location"]))
        response.close()
        _check_redirect(url, target)
        if urlsplit(target).netloc != urlsplit(url).netloc:
            # A key is for the host that it was given for.
            headers = {name: headers[name] for name in headers if name.lower() in _FOR_ANY_HOST}
        url = target
    raise DataError(f"{public_url(url)}: more than {_MOST_REDIRECTS} redirects.")


def _check_redirect(source: str, target: str) -> None:
    before, after = urlsplit(source), urlsplit(target)
    problem = ""
    if before.scheme == "https" and after.scheme != "https":
        problem = "which is not encrypted"
    elif _is_private(after.hostname) and not _is_private(before.hostname):
        problem = "which is in a private network"
    if problem:
        what = f"{public_url(source)}: redirects to {public_url(target)}, {problem}"
        raise DataError(f"{what}. Check the address with its publisher.")


def _is_private(host: str | None) -> bool:
    """Return whether a host has an address that is not public; one without an address has none."""
    try:
        found = socket.getaddrinfo(host, None)
    except (OSError, UnicodeError):
        return False
    addresses = [ipaddress.ip_address(item[4][0]) for item in found]
    return any(address.is_multicast or not address.is_global for address in addresses)


class _Pace:
    """Ends a download that would take for ever."""

    def __init__(self) -> None:
        self._start, self._bytes = time.monotonic(), 0

    def check(self, size: int) -> None:
        """Count bytes that arrived.

        Raises:
            DataError: Fewer than `_LEAST_RATE` bytes a second over the last `_PATIENCE` seconds.
        """
        self._bytes += size
        seconds = time.monotonic() - self._start
        if seconds >= _PATIENCE:
            if self._bytes < _LEAST_RATE * seconds:
                raise DataError(
                    f"the server sent {self._bytes:,} bytes in {seconds:.0f} seconds. Try again "
                    f"later, or put the file into {DATA_VARIABLE}."
                )
            self._start, self._bytes = time.monotonic(), 0


def _publish(file: DataFile, target: Path) -> None:
    partial = _partial(target)
    size, digest = partial.stat().st_size, sha256_file(partial)
    if digest != file.sha256:
        partial.unlink()
        raise DataError(
            f"{file.name}: wrong content from {public_url(file.url or '')}: expected sha256 "
            f"{file.sha256} ({file.size} bytes), got {digest} ({size} bytes). It was deleted."
        )
    put_in_place(partial, target)

"""Files that a publisher lists: fetched with patience, continued, verified where it can be."""

from __future__ import annotations

import email.utils
import hashlib
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from domainbert.errors import DataError
from domainbert.plugin.places import Feed, RemoteFile
from domainbert.storage.download import Progress, open_response
from domainbert.storage.files import make_folder, put_in_place
from domainbert.visible import public_url

ATTEMPTS = 6
_TIMEOUT = 20.0
_MOST_WAIT = 120.0
_MOST_PAGE = 256 * 1024 * 1024
_AGAIN = {408, 425, 429, 500, 502, 503, 504}
_MD5 = re.compile(r"\b[0-9a-f]{32}\b", re.IGNORECASE)


@dataclass
class Publisher:
    """A server that is asked at a pace, and again where it says so.

    Args:
        per_second: Requests per second at most.
        headers: Sent with each of them.
        key: Headers for `host` alone.
        host: Scheme, host and port of the publisher, such as `https://api.uspto.gov`.
        poll: Called while it waits; raises if a signal asked to stop.
        progress: Called with the bytes of a file so far and in all.
    """

    per_second: float
    headers: Mapping[str, str]
    key: Mapping[str, str] = field(default_factory=dict, repr=False)
    host: str = ""
    poll: Callable[[], None] = lambda: None
    progress: Progress = lambda _done, _total: None
    _next: float = field(default=0.0, repr=False)

    def get(self, url: str) -> bytes:
        """Return the content of a page.

        Raises:
            DataError: The server does not give it.
        """
        parts = bytearray()

        def take(response: Any) -> None:
            parts.clear()
            for chunk in response.iter_bytes():
                parts.extend(chunk)
                if len(parts) > _MOST_PAGE:
                    raise DataError(f"{public_url(url)}: more than {_MOST_PAGE:,} bytes.")

        self._ask(url, dict, take)
        return bytes(parts)

    def fetch(self, file: RemoteFile, folder: Path) -> Path:
        """Return the file in a folder, fetched or continued if it is not there.

        Raises:
            DataError: The server does not give it, or it has another MD5 than the server says.
        """
        make_folder(folder)
        target, partial = folder / file.name, folder / f"{file.name}.partial"
        if target.is_file():
            return target

        def rest() -> dict[str, str]:
            done = partial.stat().st_size if partial.is_file() else 0
            return {"Range": f"bytes={done}-"} if done else {}

        def take(response: Any) -> None:
            # A server that ignores the range sends the whole file again, with status 200.
            with partial.open("ab" if response.status_code == 206 else "wb") as stream:
                length = response.headers.get("Content-Length", "")
                total = stream.tell() + int(length) if length.isdecimal() else 0
                for chunk in response.iter_raw():
                    stream.write(chunk)
                    self.poll()
                    self.progress(done := stream.tell(), max(done, total))

        self._ask(file.url, rest, take)
        if file.md5_url is not None:
            self._verify(file, partial)
        put_in_place(partial, target)
        return target

    def _verify(self, file: RemoteFile, partial: Path) -> None:
        said = _MD5.search(self.get(file.md5_url or "").decode("utf-8", "replace"))
        if said is None:
            raise DataError(f"{public_url(file.md5_url or '')}: holds no MD5.")
        with partial.open("rb") as stream:
            found = hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False))
        if found.hexdigest() != said[0].lower():
            partial.unlink()
            what = f"the server says MD5 {said[0].lower()}, got {found.hexdigest()}"
            raise DataError(f"{file.name}: {what}. It was deleted; fetch it again.")

    def _ask(
        self, url: str, more: Callable[[], Mapping[str, str]], take: Callable[[Any], None]
    ) -> None:
        """Ask until the server gives all of an answer."""
        import httpx2

        trouble = ""
        for attempt in range(ATTEMPTS):
            self._wait_until(self._next)
            key = self.key if origin(url) == self.host else {}
            headers = {"Accept-Encoding": "identity", **self.headers, **key, **more()}
            self._next = time.monotonic() + 1 / self.per_second
            try:
                with (
                    httpx2.Client(timeout=_TIMEOUT) as client,
                    open_response(client, url, headers) as response,
                ):
                    if response.status_code == 416:  # all of it was here already
                        return
                    if response.status_code in _AGAIN:
                        trouble = f"the server answered {response.status_code}"
                        asked = _retry_after(response.headers.get("Retry-After", ""))
                        pause = 0.5 * 2**attempt if asked is None else asked
                        self._next = time.monotonic() + min(pause, _MOST_WAIT)
                        continue
                    response.raise_for_status()
                    take(response)
                    return
            except httpx2.HTTPStatusError as error:
                trouble = f"the server answered {error.response.status_code}"
                break
            except httpx2.InvalidURL:
                trouble = "this is no address"
                break
            except httpx2.HTTPError as error:
                trouble = str(error) or type(error).__name__
                self._next = time.monotonic() + 0.5 * 2**attempt
        cure = "Files that are whole are kept: run the same command again later."
        raise DataError(f"{public_url(url)}: cannot be fetched: {trouble}. {cure}")

    def _wait_until(self, moment: float) -> None:
        while (left := moment - time.monotonic()) > 0:
            self.poll()
            time.sleep(min(left, 0.2))


def origin(url: str) -> str:
    """Return scheme, host and port of an address."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _retry_after(text: str) -> float | None:
    """Return the seconds of a `Retry-After` header, given as a number or as a date."""
    if text.isdecimal():
        return float(text)
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, moment.timestamp() - time.time())


def fetch_feed(
    feed: Feed,
    publisher: Publisher,
    folder: Path,
    options: Mapping[str, str],
    limit: int,
    mirror: str | None = None,
) -> Iterator[Path]:
    """Yield the first files of a feed, fetched into a folder.

    Raises:
        DataError: An option is missing or unknown, or the publisher gives no file.
    """
    if lacking := next((name for name in feed.options if name not in options), None):
        raise DataError(f"--option {lacking}=…: {feed.options[lacking]}.")
    if more := next((name for name in options if name not in feed.options), None):
        known = ", ".join(feed.options) or "none"
        raise DataError(f"--option {more}: unknown; this corpus has: {known}.")
    listed = feed.list((mirror or feed.url).rstrip("/"), publisher.get, options)
    any_listed = False
    for file in islice(listed, limit):
        any_listed = True
        yield publisher.fetch(file, folder)
    if not any_listed:
        raise DataError(f"{public_url(mirror or feed.url)}: lists no file.")

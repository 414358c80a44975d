"""Files that a publisher lists, from a server on 127.0.0.1 that cuts, refuses and delays."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from helpers.file_server import Reply

from domainbert.errors import DataError
from domainbert.plugin.places import Feed, Get, RemoteFile
from domainbert.storage import remote
from domainbert.storage.remote import Publisher, fetch_feed

CONTENT = bytes(range(256)) * 400


@pytest.fixture(autouse=True)
def served(file_server: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Serve `list`, three files and the MD5 of each."""
    monkeypatch.setattr(remote, "_MOST_WAIT", 0.3)
    for number in range(3):
        content = CONTENT + bytes([number])
        file_server.files[f"/f{number}"] = content
        told = f"MD5(f{number}) = {hashlib.md5(content).hexdigest().upper()}\n"
        file_server.files[f"/f{number}.md5"] = told.encode()
    file_server.files["/list"] = b"f0 f1 f2"
    return file_server


def list_files(url: str, get: Get, _options: Mapping[str, str]) -> Iterator[RemoteFile]:
    for name in get(f"{url}/list").decode().split():
        yield RemoteFile(f"{url}/{name}", name, f"{url}/{name}.md5")


def fetch(served: Any, folder: Path, limit: int = 3, **options: str) -> list[Path]:
    feed = Feed(served.address, list_files)
    publisher = Publisher(1000, {"User-Agent": "a@b.org"})
    return list(fetch_feed(feed, publisher, folder, options, limit))


def test_the_first_files_are_fetched_once_and_named_in_order(served: Any, tmp_path: Path) -> None:
    assert [path.name for path in fetch(served, tmp_path, 2)] == ["f0", "f1"]
    asked = [request.path for request in served.requests]
    assert asked == ["/list", "/f0", "/f0.md5", "/f1", "/f1.md5"]
    assert {request.headers["User-Agent"] for request in served.requests} == {"a@b.org"}
    assert [path.name for path in fetch(served, tmp_path, 3)] == ["f0", "f1", "f2"]
    assert [request.path for request in served.requests[5:]] == ["/list", "/f2", "/f2.md5"]
    assert (tmp_path / "f2").read_bytes() == CONTENT + b"\2"
    assert {path.name for path in tmp_path.iterdir()} == {"f0", "f1", "f2"}


def test_a_file_that_is_cut_is_continued(served: Any, tmp_path: Path) -> None:
    served.replies += [Reply(), Reply(cut=50_000), Reply(cut=30_000)]
    (path,) = fetch(served, tmp_path, 1)
    assert path.read_bytes() == CONTENT + b"\0"
    ranges = [r.headers.get("Range") for r in served.requests if r.path == "/f0"]
    assert ranges == [None, "bytes=50000-", "bytes=80000-"]


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_a_busy_server_is_asked_again_when_it_says(
    served: Any, tmp_path: Path, status: int
) -> None:
    served.replies += [Reply(), Reply(status=status, headers={"Retry-After": "0"})]
    assert fetch(served, tmp_path, 1)[0].read_bytes() == CONTENT + b"\0"
    start = time.monotonic()
    served.replies += [Reply(), Reply(status=status, headers={"Retry-After": "60"})]
    fetch(served, tmp_path / "other", 1)
    assert time.monotonic() - start >= 0.3  # as long as it says, here cut short


def test_what_the_server_refuses_is_said_at_once(served: Any, tmp_path: Path) -> None:
    served.replies += [Reply(), Reply(status=403)]
    with pytest.raises(DataError, match="/f0: cannot be fetched: the server answered 403"):
        fetch(served, tmp_path)
    assert len(served.requests) == 2


def test_a_server_that_stays_busy_is_given_up(
    served: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "ATTEMPTS", 3)
    served.replies += [Reply(status=503, headers={"Retry-After": "0"})] * 3
    with pytest.raises(DataError, match="/list: cannot be fetched: the server answered 503"):
        fetch(served, tmp_path)


def test_another_content_than_its_md5_is_deleted_and_refused(served: Any, tmp_path: Path) -> None:
    served.files["/f0.md5"] = b"0" * 32
    with pytest.raises(DataError, match=r"f0: the server says MD5 0{32}, got .* fetch it again"):
        fetch(served, tmp_path)
    served.files["/f0.md5"] = b"none"
    with pytest.raises(DataError, match=r"/f0\.md5: holds no MD5"):
        fetch(served, tmp_path)
    assert not (tmp_path / "f0").exists()


def test_a_killed_download_goes_on(served: Any, tmp_path: Path) -> None:
    (tmp_path / "f0.partial").write_bytes(CONTENT[:777])
    assert fetch(served, tmp_path, 1)[0].read_bytes() == CONTENT + b"\0"
    (tmp_path / "f1.partial").write_bytes(CONTENT + b"\1")  # whole, and not yet renamed
    assert fetch(served, tmp_path, 2)[1].read_bytes() == CONTENT + b"\1"


def test_requests_keep_the_pace(served: Any, tmp_path: Path) -> None:
    publisher, start = Publisher(20, {}), time.monotonic()
    for _ in range(5):
        publisher.get(f"{served.address}/list")
    assert time.monotonic() - start >= 4 / 20


def test_options_are_asked_for_and_known(served: Any, tmp_path: Path) -> None:
    feed = Feed(served.address, list_files, {"year": "the year"})
    publisher = Publisher(1000, {})
    with pytest.raises(DataError, match=r"--option year=…: the year\."):
        list(fetch_feed(feed, publisher, tmp_path, {}, 1))
    with pytest.raises(DataError, match="--option form: unknown; this corpus has: year"):
        list(fetch_feed(feed, publisher, tmp_path, {"year": "1", "form": "x"}, 1))
    served.files["/list"] = b""
    with pytest.raises(DataError, match="lists no file"):
        fetch(served, tmp_path)

from __future__ import annotations

import gzip
import hashlib
import random
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from domainbert.errors import DataError
from domainbert.plugin.places import DataFile
from domainbert.storage import download
from domainbert.storage.download import ATTEMPTS, cache_folder, locate

pytestmark = pytest.mark.usefixtures("bare_environment", "no_waiting")

CONTENT = random.Random(0).randbytes(3_000_000)
SHORT = b"a short file\n"


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retry without a pause."""
    monkeypatch.setattr("domainbert.storage.download.time.sleep", lambda _seconds: None)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The first of two folders of `DOMAINBERT_DATA`."""
    folders = tmp_path / "data", tmp_path / "more"
    for folder in folders:
        folder.mkdir()
    monkeypatch.setenv("DOMAINBERT_DATA", ":".join(map(str, folders)))
    return folders[0]


def declared(content: bytes, url: str | None = None, name: str = "corpus.jsonl.gz") -> DataFile:
    return DataFile(hashlib.sha256(content).hexdigest(), len(content), name, url)


def refused(file: DataFile) -> str:
    with pytest.raises(DataError) as caught:
        locate(file)
    return str(caught.value)


def cached() -> set[str]:
    """Return the files of the cache but for locks."""
    paths = [path for path in cache_folder().rglob("*") if path.is_file()]
    return {str(path.relative_to(cache_folder())) for path in paths if path.suffix != ".lock"}


# --- without a network -------------------------------------------------------------------------


def test_a_file_is_found_by_its_hash_and_not_downloaded(data: Path, file_server: Any) -> None:
    file = declared(SHORT, f"{file_server.address}/a")
    (data.parent / "more" / "a").write_bytes(SHORT)
    (data / "a-of-the-same-size").write_bytes(b"x" * len(SHORT))
    assert locate(file) == data.parent / "more" / "a"
    assert (cached(), file_server.requests) == (set(), [])


def test_a_file_that_is_nowhere_is_named_with_the_folders(data: Path) -> None:
    (data / "corpus.jsonl.gz").write_bytes(b"x" * len(SHORT))
    message = refused(declared(SHORT))
    assert message.startswith("corpus.jsonl.gz: not found (sha256 ")
    found = f"{data / 'corpus.jsonl.gz'} has other bytes, sha256 "
    assert f"looked in: {data}:{data.parent / 'more'}; {found}" in message
    (data / "corpus.jsonl.gz").unlink()
    message = refused(declared(SHORT))
    assert f"looked in: {data}:{data.parent / 'more'}). It has no download address" in message


def test_a_data_folder_that_does_not_exist_or_is_not_set_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "looked in: DOMAINBERT_DATA is not set)" in refused(declared(SHORT))
    monkeypatch.setenv("DOMAINBERT_DATA", str(tmp_path / "none"))
    assert refused(declared(SHORT)) == f"DOMAINBERT_DATA: {tmp_path / 'none'} is not a folder."


# --- downloads ---------------------------------------------------------------------------------


def test_a_file_is_downloaded_once_and_then_taken_from_the_cache(file_server: Any) -> None:
    file_server.files["/a"] = CONTENT
    file = declared(CONTENT, f"{file_server.address}/a")
    first = locate(file)
    assert first.read_bytes() == CONTENT
    assert cached() == {f"files/{file.sha256[:16]}/corpus.jsonl.gz"}
    assert locate(file) == first
    assert len(file_server.requests) == 1


@pytest.mark.parametrize("cut", [1, 2_500_000])
def test_a_cut_connection_is_resumed_and_nothing_is_fetched_twice(
    cut: int, file_server: Any, reply: Any
) -> None:
    file_server.files["/a"] = CONTENT
    file_server.replies = [reply(cut=cut)]
    assert locate(declared(CONTENT, f"{file_server.address}/a")).read_bytes() == CONTENT
    ranges = [request.headers.get("Range") for request in file_server.requests]
    assert ranges == [None, f"bytes={cut}-"]
    assert file_server.sent == [cut, len(CONTENT) - cut]


def test_a_server_that_ignores_the_range_sends_everything_again(
    file_server: Any, reply: Any
) -> None:
    file_server.files["/a"] = CONTENT
    file_server.replies = [reply(cut=2_000_000), reply(ranges=False)]
    assert locate(declared(CONTENT, f"{file_server.address}/a")).read_bytes() == CONTENT
    assert file_server.sent == [2_000_000, len(CONTENT)]


def test_a_failing_server_is_asked_a_few_times(file_server: Any, reply: Any) -> None:
    file_server.files["/a"] = SHORT
    file_server.replies = [reply(status=503)] * (ATTEMPTS + 1)
    assert "the server answered 503. " in refused(declared(SHORT, f"{file_server.address}/a"))
    assert len(file_server.requests) == ATTEMPTS


def test_a_file_that_is_not_there_is_asked_for_once(file_server: Any) -> None:
    assert "the server answered 404. " in refused(declared(SHORT, f"{file_server.address}/a"))
    assert (len(file_server.requests), cached()) == (1, set())


def test_wrong_content_is_deleted_and_both_hashes_are_named(file_server: Any) -> None:
    sent = file_server.files["/a"] = b"another file\n"
    file = declared(SHORT, f"{file_server.address}/a")
    digest = hashlib.sha256(sent).hexdigest()
    assert refused(file) == (
        f"corpus.jsonl.gz: wrong content from {file_server.address}/a: expected sha256 "
        f"{file.sha256} ({file.size} bytes), got {digest} ({len(sent)} bytes). It was deleted."
    )
    assert cached() == set()


def test_a_damaged_file_in_the_cache_is_fetched_again(file_server: Any) -> None:
    file_server.files["/a"] = SHORT
    file = declared(SHORT, f"{file_server.address}/a")
    for damaged in (b"y" * len(SHORT), b"short", b"", SHORT * 2):
        locate(file).write_bytes(damaged)
        assert locate(file).read_bytes() == SHORT
    assert file_server.sent == [len(SHORT)] * 5


def test_two_runs_at_once_download_a_file_once_and_both_see_progress(file_server: Any) -> None:
    file_server.files["/a"] = CONTENT
    file_server.special = lambda _request: threading.Event().wait(0.3) or None
    file = declared(CONTENT, f"{file_server.address}/a")
    seen: list[list[tuple[int, int]]] = [[], []]

    def find(number: int) -> Path:
        return locate(file, lambda done, total: seen[number].append((done, total)))

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(find, range(2))
    assert first == second
    assert first.read_bytes() == CONTENT
    assert file_server.sent == [len(CONTENT)]
    assert all(seen)


def test_redirects_are_followed_and_encoded_content_keeps_its_bytes(
    file_server: Any, reply: Any
) -> None:
    # Some servers send `x.gz` as encoded text; the declared hash is that of the file.
    packed = file_server.files["/b"] = gzip.compress(CONTENT[:5000])
    location = {"Location": f"{file_server.address}/b"}
    encoding = {"Content-Encoding": "gzip"}
    file_server.replies = [reply(status=302, headers=location), reply(headers=encoding)]
    assert locate(declared(packed, f"{file_server.address}/a")).read_bytes() == packed


SECRETS = ("anna", "hunter2", "tok3n", "token")


@pytest.mark.parametrize("case", ["cut-then-missing", "redirected-to-nowhere"])
def test_passwords_and_tokens_of_an_address_are_never_shown(
    case: str, file_server: Any, reply: Any
) -> None:
    host = file_server.address.removeprefix("http://")
    url = f"http://anna:hunter2@{host}/a?token=tok3n#tok3n"
    if case == "cut-then-missing":
        file_server.files["/a"] = SHORT
        file_server.replies = [reply(cut=3), reply(status=403)]
    else:
        headers = {"Location": "ftp://anna:hunter2@nowhere/b?token=tok3n"}
        file_server.replies = [reply(status=302, headers=headers)]
    message = refused(declared(SHORT, url))
    assert f"from http://{host}/a: " in message
    assert [secret for secret in SECRETS if secret in message] == []
    assert file_server.requests[0].headers["Authorization"].startswith("Basic ")


# --- a server that means harm -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "target", "problem"),
    [
        ("https://data.example/a?token=x", "http://data.example/a", "which is not encrypted"),
        ("http://8.8.8.8/a", "http://127.0.0.1/a", "which is in a private network"),
        ("https://8.8.8.8/a", "https://[::1]/a", "which is in a private network"),
        ("https://8.8.8.8/a", "https://169.254.169.254/latest", "which is in a private network"),
        ("http://8.8.8.8/a", "https://9.9.9.9/b", ""),
        ("http://127.0.0.1:1/a", "http://127.0.0.1:2/b", ""),
    ],
)
def test_redirects_to_where_nobody_should_be_sent(source: str, target: str, problem: str) -> None:
    if not problem:
        download._check_redirect(source, target)
        return
    with pytest.raises(DataError, match=problem) as caught:
        download._check_redirect(source, target)
    assert "token" not in str(caught.value)


@pytest.mark.parametrize("first", [b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n", b"HTTP/1.1 2"])
def test_a_server_that_drips_is_given_up(first: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "_PATIENCE", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            with suppress(OSError):
                while True:
                    stream, _ = server.accept()
                    with suppress(OSError), stream:
                        stream.sendall(first)
                        while not pause.wait(0.02):
                            stream.sendall(b"0")

        pause = threading.Event()
        threading.Thread(target=drip, daemon=True).start()
        message = refused(declared(SHORT * 99, f"http://127.0.0.1:{server.getsockname()[1]}/a"))
        pause.set()
    assert "bytes in 0 seconds" in message or "cannot be downloaded" in message

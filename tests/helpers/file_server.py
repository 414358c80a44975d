"""A server of files on 127.0.0.1, for tests of downloads in core and in plugins."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest


@dataclass(frozen=True)
class Request:
    """A request as the server saw it."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass
class Reply:
    """What the server does with one request.

    Args:
        status: Of the answer; 200 becomes 206 where a range is asked for and honoured.
        cut: Bytes after which the connection is closed, or None.
        ranges: Whether a range that is asked for is honoured.
        headers: Sent beside the length.
    """

    status: int = 200
    cut: int | None = None
    ranges: bool = True
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class FileServer:
    """Serves bytes on 127.0.0.1 and remembers what it was asked and what it sent.

    Args:
        address: Such as `http://127.0.0.1:8000`.
        files: Content by path, the query left out.
        replies: Used up one a request; then everything is served plainly.
        requests: Seen so far.
        sent: Bytes of content sent in each answer.
    """

    address: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    replies: list[Reply] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    sent: list[int] = field(default_factory=list)
    special: Callable[[Request], tuple[int, dict[str, str], bytes] | None] = lambda _request: None


def _handler(server: FileServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            request = Request(self.command, self.path, dict(self.headers), body)
            server.requests.append(request)
            made = server.special(request)
            if made is not None:
                self._answer(*made, Reply())
                return
            reply = server.replies.pop(0) if server.replies else Reply()
            content = server.files.get(self.path.partition("?")[0])
            if content is None or reply.status >= 300:
                status = reply.status if reply.status >= 300 else 404
                self._answer(status, dict(reply.headers), b"", reply)
                return
            start = self.headers.get("Range")
            if start and reply.ranges:
                first = int(start.removeprefix("bytes=").partition("-")[0])
                told = {"Content-Range": f"bytes {first}-{len(content) - 1}/{len(content)}"}
                self._answer(206, {**reply.headers, **told}, content[first:], reply)
            else:
                self._answer(reply.status, dict(reply.headers), content, reply)

        do_HEAD = do_POST = do_GET

        def _answer(self, status: int, headers: dict[str, str], body: bytes, reply: Reply) -> None:
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.send_header("Connection", "close")
            self.end_headers()
            if self.command != "HEAD":
                shown = body if reply.cut is None else body[: reply.cut]
                self.wfile.write(shown)
                self.wfile.flush()
                server.sent.append(len(shown))
            self.close_connection = True

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


@contextmanager
def _serving() -> Iterator[FileServer]:
    served = FileServer()
    listener = ThreadingHTTPServer(("127.0.0.1", 0), _handler(served))
    served.address = f"http://127.0.0.1:{listener.server_address[1]}"
    thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield served
    listener.shutdown()
    thread.join()
    listener.server_close()


@pytest.fixture
def file_server() -> Iterator[FileServer]:
    """A server of one's own on 127.0.0.1."""
    with _serving() as served:
        yield served


@pytest.fixture
def other_server() -> Iterator[FileServer]:
    """A second one, which is another host to whoever is sent there."""
    with _serving() as served:
        yield served


@pytest.fixture
def reply() -> type[Reply]:
    """The class of what a `file_server` is told to do."""
    return Reply

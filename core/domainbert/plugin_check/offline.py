"""No network while a block runs."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock


@contextmanager
def no_network() -> Iterator[list[str]]:
    """Refuse connections from Python while the block runs; yield what was tried."""
    tried: list[str] = []

    def refuse(*arguments: Any, **_: Any) -> Any:
        place = arguments[1] if isinstance(arguments[0], socket.socket) else arguments[0]
        tried.append(str(place))
        raise OSError("no network here")

    with (
        mock.patch.object(socket.socket, "connect", refuse),
        mock.patch.object(socket.socket, "connect_ex", refuse),
        mock.patch.object(socket, "getaddrinfo", refuse),
        mock.patch.object(socket, "gethostbyname", refuse),
    ):
        yield tried

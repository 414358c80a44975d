"""Documents on disk, for steps that see all of them before they yield one."""

from __future__ import annotations

import json
import tempfile
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from domainbert.plugin.domain import Document


def to_line(document: Document) -> str:
    """Return a document as a line of ASCII, which may hold half a surrogate pair."""
    return json.dumps(list(vars(document).values())) + "\n"


def from_line(line: str | bytes) -> Document:
    """Return the document of a line."""
    return Document(*json.loads(line))


class Spool:
    """Documents in a temporary file, read in order or by number."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream, self._places = stream, array("q")

    def __len__(self) -> int:
        return len(self._places)

    def add(self, document: Document) -> None:
        """Write a document behind the others."""
        self._places.append(self._stream.tell())
        self._stream.write(to_line(document).encode())

    def read(self, number: int) -> Document:
        """Return a document by its number."""
        self._stream.seek(self._places[number])
        return from_line(self._stream.readline())

    def __iter__(self) -> Iterator[Document]:
        return map(self.read, range(len(self)))


@contextmanager
def open_spool() -> Iterator[Spool]:
    """Yield an empty spool; its file is gone when the block ends."""
    with tempfile.TemporaryFile() as stream:
        yield Spool(stream)

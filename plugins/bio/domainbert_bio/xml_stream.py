"""Stream the records of a biomedical XML file: one element of a given name at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from domainbert import DataError
from domainbert.readers import XmlFormat, read_chunks, xml_elements

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True)
class Format(XmlFormat):
    """A kind of XML file.

    Args:
        id: What messages call the id of a record, such as `PMID`.
    """

    id: str


@dataclass
class Position:
    """How far reading has got, for messages.

    Args:
        path: The file.
        format: What it should be.
        offset: Bytes read, after decompression.
        last: Id of the last record read.
    """

    path: Path
    format: Format
    offset: int = 0
    last: str = ""

    def error(self, what: str, advice: str = "Download the file again.") -> DataError:
        """Return an error that says where."""
        name = self.format.id
        last = f"last {name} read: {self.last}" if self.last else f"no {name} read before"
        return DataError(f"{self.path}: {what} (read up to byte {self.offset}; {last}). {advice}")


def records(at: Position) -> Iterator[Any]:
    """Yield the elements of the format's tags, as lxml elements, in the order of their ends.

    Args:
        at: The file; its offset is kept up to date, and the caller keeps its last id.

    Raises:
        DataError: As of `domainbert.readers.read_chunks` and `xml_elements`.
    """
    return xml_elements(_counted(at), at.format, at.error)


def _counted(at: Position) -> Iterator[bytes]:
    for chunk in read_chunks(at.path):
        at.offset += len(chunk)
        yield chunk


def folded(text: str) -> str:
    """Return a text on one line."""
    return " ".join(text.split())


def name_of(element: Any) -> str:
    """Return the name of an element without its namespace."""
    return str(element.tag).rpartition("}")[2]

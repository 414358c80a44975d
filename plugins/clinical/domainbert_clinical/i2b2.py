"""Read i2b2 and n2c2 XML: notes in `<TEXT>`, and annotations of their characters.

The files are untrusted input. A DOCTYPE that could declare entities is refused, and nothing that a
file names is opened.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from xml.parsers import expat

from domainbert import DataError, Document
from domainbert.readers import read_chunks, refuse_declarations

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_BYTES = 256 * 1024 * 1024
"""No larger file is read."""
MAX_NOTE = 16 * 1024 * 1024
"""No longer note is read, in characters."""

_SUFFIX = re.compile(r"\.xml(?:\.\w+)?$", re.IGNORECASE)


@dataclass(frozen=True)
class Tag:
    """An annotation of a note, as the file has it.

    Args:
        name: Name of the element, such as `NAME` or `PHI`.
        type: Its attribute `TYPE`, or an empty text.
        start: Offset of its first character; -1 where the file gives none.
        end: Offset behind its last one.
        text: What the file says stands there; None where it says nothing.
        line: Line of the file.
    """

    name: str
    type: str
    start: int
    end: int
    text: str | None
    line: int


@dataclass
class Note:
    """A note with its annotations.

    Args:
        id: Of its `RECORD`, or empty where the file is one note.
        text: The text.
        tags: In file order.
    """

    id: str = ""
    text: str = ""
    tags: list[Tag] = field(default_factory=list)


def read_i2b2(path: Path) -> Iterator[Document]:
    """Yield the notes of an i2b2 or n2c2 XML file, without their annotations.

    Args:
        path: A file with one `<TEXT>`, or with a `<TEXT>` in each `<RECORD>`; plain or compressed.

    Raises:
        DataError: As of `read_records`.
    """
    name = _SUFFIX.sub("", path.name)
    for note in read_records(path):
        mark = f"#{note.id}" if note.id else ""
        yield Document(f"{name}{mark}", note.text, f"{path.name}{mark}")


def read_records(path: Path) -> Iterator[Note]:
    """Yield the notes of an i2b2 or n2c2 XML file with their annotations.

    Elements inside `<TEXT>`, as `<PHI TYPE="DATE">` of 2006, are annotations as well as those in
    `<TAGS>` with `start`, `end` and `text`.

    Raises:
        DataError: The file cannot be read, is not well-formed, has a DOCTYPE with declarations or
            an entity that XML does not define; a note or the file holds no `<TEXT>`; a note holds
            two, or one stands outside the records.
    """
    reader = _Reader(path)
    found = 0
    for chunk in read_chunks(path, MAX_BYTES):
        reader.feed(chunk)
        while reader.done:
            found += 1
            yield reader.done.pop(0)
    reader.feed(b"", True)
    if not found:
        yield reader.last()


class _Reader:
    """The state of an expat parser, which opens nothing."""

    def __init__(self, path: Path) -> None:
        self.path, self.note, self.done = path, Note(), list[Note]()
        self._pieces, self._size = list[str](), 0
        self._open = list[tuple[str, str, int]]()
        self._in_text, self._seen = False, False
        self._in_record, self._has_records = False, False
        self._expat = expat.ParserCreate()
        refuse_declarations(self._expat, self.error, "i2b2 and n2c2")
        self._expat.StartElementHandler = self._start
        self._expat.EndElementHandler = self._end
        self._expat.CharacterDataHandler = self._data

    def error(self, what: str, advice: str) -> DataError:
        """Return an error with the line."""
        return DataError(f"{self.path}:{self._expat.CurrentLineNumber}: {what}. {advice}")

    def feed(self, chunk: bytes, is_last: bool = False) -> None:
        """Read on."""
        try:
            self._expat.Parse(chunk, is_last)
        except expat.ExpatError as error:
            what = f"not well-formed XML: {expat.ErrorString(error.code)}"
            raise self.error(what, "Get the file from its publisher again.") from None
        except (LookupError, ValueError) as error:  # an encoding that Python or expat lacks
            raise self.error(str(error), "Convert the file to UTF-8.") from None

    def last(self) -> Note:
        """Return the note of a file without `RECORD`."""
        if not self._seen:
            raise self.error(
                "no element TEXT", "Expected XML of i2b2 or n2c2 with a note in <TEXT>."
            )
        return self.note

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        upper = name.upper()
        given = {key.upper(): value for key, value in attributes.items()}
        if self._in_text:
            self._open.append((upper, given.get("TYPE", ""), self._size))
        elif upper == "TEXT":
            self._start_text()
        elif upper == "RECORD":
            self._start_record(given.get("ID", ""))
        elif "START" in given and "END" in given:
            self.note.tags.append(self._tag(upper, given))

    def _start_text(self) -> None:
        if self._has_records and not self._in_record:
            raise self._outside()
        if self._seen:
            where = f", record {self.note.id!r}" if self._in_record else ""
            raise self.error(f"a second TEXT in one note{where}", "Write a RECORD for each note.")
        self._in_text, self._seen = True, True

    def _start_record(self, mark: str) -> None:
        if self._in_record:
            raise self.error(
                f"a RECORD inside record {self.note.id!r}", "Write one after the other."
            )
        if self._seen:
            raise self._outside()
        self._in_record, self._has_records = True, True
        self.note = Note(mark)

    def _outside(self) -> DataError:
        return self.error(
            "a TEXT outside a RECORD, in a file with records", "Write a RECORD for each note."
        )

    def _tag(self, name: str, given: dict[str, str]) -> Tag:
        start, end = given["START"], given["END"]
        # "12-15" and "12~20" are annotations in several parts, of other tracks.
        numbers = start.isdecimal() and end.isdecimal() and len(start + end) < 20
        places = (int(start), int(end)) if numbers else (-1, -1)
        return Tag(name, given.get("TYPE", ""), *places, given.get("TEXT"), self._line())

    def _line(self) -> int:
        return int(self._expat.CurrentLineNumber)

    def _end(self, name: str) -> None:
        upper = name.upper()
        if self._in_text and self._open:
            kind, label, start = self._open.pop()
            self.note.tags.append(Tag(kind, label, start, self._size, None, self._line()))
        elif upper == "TEXT" and self._in_text:
            self.note.text, self._pieces, self._size = "".join(self._pieces), [], 0
            self._in_text = False
        elif upper == "RECORD":
            if not self._seen:
                raise self.error(
                    f"no element TEXT in record {self.note.id!r}", "Expected its note."
                )
            self.done.append(self.note)
            self.note = Note()
            self._in_record, self._seen = False, False

    def _data(self, text: str) -> None:
        if self._in_text:
            self._pieces.append(text)
            self._size += len(text)
            if self._size > MAX_NOTE:
                raise self.error(f"a note of more than {MAX_NOTE:,} characters", "Split the file.")

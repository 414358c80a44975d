"""Read a patent file, plain or compressed, as a stream of separate XML documents or of lines.

A weekly file of the USPTO is many XML documents one after the other, each with its prolog,
so no XML parser reads it whole. It is cut at the end tag of each root element. One document is in
memory at a time.

The files are untrusted input. A DOCTYPE may name a DTD, which is never opened, and may declare the
drawings that belong to the patent (`<!ENTITY ... SYSTEM ... NDATA TIF>`), which is ignored, as such
names cannot occur in text. A file that declares anything else is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from domainbert import DataError
from domainbert.readers import open_bytes, read_chunks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_RECORD_BYTES = 256 * 1024 * 1024
"""No more is held without the end of a record in it; the longest patents take some 100 MB."""

_LONGEST_LINE = 1 << 18
# Old files end with the end-of-file character of their time.
_BLANK = b" \t\r\n\x1a\x00"
_BOM = b"\xef\xbb\xbf"
_MARKUP = re.compile(rb"<!--|<(?P<root>[A-Za-z_][A-Za-z0-9_.:-]*)(?=[\s/>])")
_SUBSET = re.compile(r"<!DOCTYPE\s+[^\s\[>]+(?:\s[^\[>]*)?(?:\[(?P<inner>.*)\]\s*)?>", re.DOTALL)
_UNPARSED = re.compile(
    r"""<!ENTITY\s+[^\s%"']+\s+(?:SYSTEM|PUBLIC\s*(?:"[^"]*"|'[^']*'))\s*(?:"[^"]*"|'[^']*')\s+"""
    r"""NDATA\s+[^\s>]+\s*>|<!NOTATION\s[^<>\[]*>"""
)
_HEADER = re.compile(r"<\?xml\s(?P<inside>[^?]*)\?>")
_ENCODING = re.compile(r"""encoding\s*=\s*["']([^"']*)["']""")
_MAX_PROLOG_BYTES = 4 << 20
_SKIPPED = re.compile(r"<!--|<\?")
_ENCODINGS = ("utf-8", "us-ascii", "iso-8859-1")


@dataclass
class Position:
    """How far reading has got, for messages.

    Args:
        path: The file.
        number: Number of the record, the first is 1.
        offset: Byte at which it starts, after decompression.
    """

    path: Path
    number: int = 0
    offset: int = 0

    def error(self, what: str, advice: str = "Download the file again.") -> DataError:
        """Return an error that says where."""
        return DataError(
            f"{self.path}: record {self.number}, at byte {self.offset}: {what}. {advice}"
        )

    @property
    def source(self) -> str:
        """What documents say of where they come from."""
        return f"{self.path.name}#{self.number}"


@dataclass(frozen=True)
class XmlDocument:
    """One document of a file.

    Args:
        root: Name of the root element.
        text: From the root's start tag to its end tag.
        sgml: Whether it is SGML: no XML declaration, and elements without end tags.
    """

    root: str
    text: str
    sgml: bool


class _Window:
    """The part of a file that is looked at: it grows at its end and is dropped at its start."""

    def __init__(self, at: Position) -> None:
        self._at = at
        self._chunks = read_chunks(at.path)
        self.data = bytearray()

    def grow(self) -> bool:
        """Read on; tell whether there was anything left."""
        chunk = next(self._chunks, b"")
        self.data += chunk
        if len(self.data) > MAX_RECORD_BYTES:
            raise self._at.error(f"no record ends within {MAX_RECORD_BYTES >> 20} MiB")
        return bool(chunk)

    def find(self, pattern: re.Pattern[bytes], start: int) -> re.Match[bytes] | None:
        """Return the first match at or after `start`, reading on until there is one."""
        while True:
            found = pattern.search(self.data, start)
            # A match that touches the end might be longer with more data.
            if found is not None and found.end() < len(self.data):
                return found
            # No pattern here matches more than this across the end of what was read.
            start = max(start, len(self.data) - 4096) if found is None else found.start()
            if not self.grow():
                return found

    def drop(self, length: int) -> None:
        """Forget what stands before `length`."""
        del self.data[:length]
        self._at.offset += length

    def skip_blanks(self) -> bool:
        """Drop blanks; tell whether anything is left."""
        while True:
            rest = self.data.lstrip(_BLANK)
            self.drop(len(self.data) - len(rest))
            if self.data or not self.grow():
                return bool(self.data)


def xml_documents(at: Position) -> Iterator[XmlDocument]:
    """Yield the XML or SGML documents that a file holds one after the other.

    Args:
        at: The file; its number and offset are kept up to date.

    Raises:
        DataError: As `domainbert.readers.read_chunks`; or a document is cut short, has text before
            its root element, declares entities or a foreign encoding, or is longer than
            `MAX_RECORD_BYTES`.
    """
    window = _Window(at)
    window.grow()
    window.drop(len(_BOM) if window.data.startswith(_BOM) else 0)
    while window.skip_blanks():
        at.number += 1
        start, root = _find_root(window, at)
        end = _find_end(window, start, root, at)
        prolog, body = bytes(window.data[:start]), bytes(window.data[start:end])
        encoding, sgml = check_prolog(prolog, at)
        try:
            yield XmlDocument(root, body.decode(encoding), sgml)
        except UnicodeDecodeError as error:
            raise at.error(
                f"byte {error.start} of its root element is not {encoding}", "Convert the file."
            ) from None
        window.drop(end)


def _find_root(window: _Window, at: Position) -> tuple[int, str]:
    start = 0
    while (found := window.find(_MARKUP, start)) is not None:
        if found["root"] is not None:
            return found.start(), found["root"].decode("ascii")
        comment_end = window.find(re.compile(rb"-->"), found.end())
        if comment_end is None:
            break
        start = comment_end.end()
    raise at.error("the file ends before a root element begins: it is cut short or no XML")


def _find_end(window: _Window, start: int, root: str, at: Position) -> int:
    name = re.escape(root.encode("ascii"))
    # A prolog before the end tag belongs to the next document.
    pattern = re.compile(rb"</" + name + rb"\s*>|<\?xml\s|<!DOCTYPE\s")
    found = window.find(pattern, start)
    if found is None or not found[0].startswith(b"</"):
        where = "the file ends" if found is None else "the next document begins"
        raise at.error(f"cut short: {where} before </{root}>")
    return found.end()


def check_prolog(prolog: bytes, at: Position) -> tuple[str, bool]:
    """Return the encoding, and whether the document is SGML.

    Args:
        prolog: What stands before the root element.
        at: Where it stands.

    Raises:
        DataError: It declares more than drawings or a foreign encoding, or is no prolog.
    """
    if len(prolog) > _MAX_PROLOG_BYTES:
        raise at.error(f"more than {_MAX_PROLOG_BYTES >> 20} MiB before its root element")
    text = prolog.decode("latin-1")
    header = _HEADER.match(text)
    encoding = "utf-8"
    if header is not None and (declared := _ENCODING.search(header["inside"])):
        encoding = declared[1].lower()
        if encoding not in _ENCODINGS:
            raise at.error(
                f"declares the encoding {encoding[:40]!r}",
                f"Expected one of {', '.join(_ENCODINGS)}: convert the file.",
            )
    text = " ".join(_declarations(text[header.end() :] if header else text).split())
    doctype = _SUBSET.fullmatch(text)
    if doctype is not None and (stranger := _UNPARSED.sub("", doctype["inner"] or "").strip()):
        raise at.error(
            f"refused: its DOCTYPE has {stranger[:40]!r}. There a file can declare entities that "
            "grow without bound or read other files",
            "Files of patent offices declare only drawings: get the file from the office.",
        )
    if text and doctype is None:
        raise at.error(f"expected an XML prolog before the root element, found {text[:40]!r}")
    return encoding, header is None


def _declarations(text: str) -> str:
    """Return a prolog without comments and processing instructions, in linear time."""
    kept, start = [], 0
    while (found := _SKIPPED.search(text, start)) is not None:
        end = text.find("-->" if found[0] == "<!--" else "?>", found.end())
        if end < 0:
            break
        kept.append(text[start : found.start()])
        start = end + (3 if found[0] == "<!--" else 2)
    return " ".join([*kept, text[start:]])


def lines_of(at: Position) -> Iterator[bytes]:
    """Yield the lines of a file, decompressed, each with its end.

    Args:
        at: The file.

    Raises:
        DataError: As `domainbert.readers.open_bytes`; or a line is longer than any of a text file.
    """
    with open_bytes(at.path) as stream:
        while line := stream.readline(_LONGEST_LINE + 1):
            if len(line) > _LONGEST_LINE:
                what = f"a line of more than {_LONGEST_LINE} bytes"
                raise at.error(what, "This is no text by lines.")
            yield line

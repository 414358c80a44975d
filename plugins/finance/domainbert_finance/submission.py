"""Read EDGAR submissions: an SGML header, then documents, each in its own format."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from domainbert import DataError, Document
from domainbert.readers import decode_western, open_bytes, read_bytes
from domainbert_finance.files import MAX_BYTES
from domainbert_finance.markup import html_paragraphs, looks_like_html, text_paragraphs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_START = re.compile(rb"^[ \t]*<(?:(?:SEC|IMS)-)?DOCUMENT>|^-----BEGIN PRIVACY", re.MULTILINE)
_PAGE = re.compile(rb"<html|<!doctype html", re.IGNORECASE)
_SNIFFED = 1 << 16
_TAG = re.compile(rb"<(TYPE|FILENAME)>(.*)", re.IGNORECASE)
_ACCESSION = re.compile(rb"ACCESSION NUMBER:\s*([0-9-]{18,24})|<ACCESSION-NUMBER>([0-9-]{18,24})")
# Renderings and packages of data, and tables for machines; none of them holds prose.
_TYPES = re.compile(
    rb"GRAPHIC|ZIP|EXCEL|XML|JSON|PDF|EX-27(\..*)?|EX-10[0-4](\..*)?", re.IGNORECASE
)
_NAMES = re.compile(
    rb".*\.(xsd|xml|zip|xlsx?|json|js|css|jpe?g|gif|png|bmp|pdf|fil|paper)", re.IGNORECASE
)
_KNOWN_BY = 4  # lines: the rest of that of <TEXT>, a mark such as <PDF>, and what follows
_ENCODED = re.compile(rb"begin [0-7]{3} |<PDF>", re.IGNORECASE)
_WRAPPERS = re.compile(r"^[^\S\n]*</?XBRL>[^\S\n]*$", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True)
class Part:
    """One document of a submission that holds text.

    Args:
        accession: Accession number, or the file's name where there is no header.
        number: Place in the submission, from 1; documents without text count.
        type: As declared, such as `10-K` or `EX-99.1`.
        line: Line of the file on which it starts.
        text: HTML or plain text as filed.
    """

    accession: str
    number: int
    type: str
    line: int
    text: str

    def paragraphs(self, path: Path) -> list[str]:
        """Return its prose; see `html_paragraphs` and `text_paragraphs`."""
        where = f"{path}:{self.line}"
        if looks_like_html(self.text):
            return html_paragraphs(_WRAPPERS.sub("", self.text), where)
        return text_paragraphs(self.text)


@dataclass
class _Open:
    """A document that is being read; `lines` is None before `<TEXT>`."""

    number: int
    line: int
    type: bytes = b""
    name: bytes = b""
    lines: list[bytes] | None = None
    size: int = 0
    kept: bool = True
    done: bool = False

    def prose(self) -> bool:
        """Tell whether this may be prose, from its type, name and first lines."""
        return not (
            _TYPES.fullmatch(self.type)
            or _NAMES.fullmatch(self.name)
            or any(_ENCODED.match(line) for line in (self.lines or ())[:_KNOWN_BY])
        )


def read_submission(path: Path) -> Iterator[Document]:
    """Yield one document for each document with prose of a submission, or for a single page.

    A submission is the complete text file of EDGAR, also of the years with `IMS` marks and a
    privacy-enhanced envelope, or a part of it that begins with `<DOCUMENT>`. Left out are graphics,
    archives, spreadsheets, XBRL and financial data schedules (EX-27), whatever is uuencoded, and
    documents without any prose. A single HTML page, as a filing's main document is often stored, is
    one document. Tables are left out; see `html_paragraphs` and `text_paragraphs`.

    Memory grows with the largest document, not with the file.

    Args:
        path: A `.txt`, `.htm` or `.html` file, plain or `.gz`.

    Raises:
        DataError: Neither a submission nor HTML, cut short, damaged, not a text, malformed, or a
            document that declares entities or is larger than 256 MiB.
    """
    for part in read_parts(path):
        if text := "\n".join(part.paragraphs(path)):
            place = f"{path.name}#{part.number} ({part.type})"
            yield Document(f"{part.accession}#{part.number}", text, place)


def read_parts(path: Path) -> Iterator[Part]:
    """Yield the documents that may hold prose, of a submission or of a file with a single page.

    Args:
        path: As of `read_submission`.

    Raises:
        DataError: As of `read_submission`, entities and markup of documents aside.
    """
    with open_bytes(path) as stream:
        start = stream.read(_SNIFFED)
    if _START.search(start):
        yield from _parts(path)
    elif _PAGE.search(start):
        yield _page(path)
    else:
        raise DataError(
            f"{path}: neither a submission nor a page: no <DOCUMENT> and no <html> near the start. "
            "Expected a complete submission text file of EDGAR, or an HTML document of one."
        )


def _page(path: Path) -> Part:
    text = decode_western(read_bytes(path, MAX_BYTES), str(path))
    if "</html" not in text[-_SNIFFED:].lower():
        raise DataError(
            f"{path}: the page does not end: no </html> near the end of {len(text)} characters. "
            "It may be cut short: download it again."
        )
    return Part(_stem(path), 1, "page", 1, text)


def _stem(path: Path) -> str:
    return path.name.removesuffix(".gz").rpartition(".")[0]


@dataclass
class _Frame:
    """What stands around the documents: the envelope's first line while it is open, and so on."""

    accession: str
    envelope: int = 0
    count: int = 0

    def between(self, line: bytes, mark: bytes, number: int) -> _Open | None:
        """Take a line outside of documents; return the document that it opens."""
        if mark == b"<DOCUMENT>":
            self.count += 1
            return _Open(self.count, number)
        if mark.startswith((b"<SEC-DOCUMENT>", b"<IMS-DOCUMENT>")):
            self.envelope = number
        elif mark in {b"</SEC-DOCUMENT>", b"</IMS-DOCUMENT>"}:
            self.envelope = 0
        elif not self.count and (found := _ACCESSION.search(line)) is not None:
            self.accession = (found[1] or found[2]).decode()
        return None


def _parts(path: Path) -> Iterator[Part]:
    frame, part = _Frame(_stem(path)), None
    with open_bytes(path) as stream:
        for number, line in enumerate(iter(lambda: stream.readline(MAX_BYTES), b""), 1):
            mark = line.strip().upper()
            if part is None:
                part = frame.between(line, mark, number)
                continue
            _take(part, line, mark, f"{path}:{number}")
            if part.done:
                if part.prose():
                    text = decode_western(b"".join(part.lines or ()), f"{path}:{part.line}")
                    kind = part.type.decode("latin-1")
                    yield Part(frame.accession, part.number, kind, part.line, text)
                part = None
    if part is not None or frame.envelope:
        raise DataError(
            f"{path}:{part.line if part else frame.envelope}: cut short: what starts on this line "
            "has no end (</TEXT> and </DOCUMENT>, then </SEC-DOCUMENT>). Download it again."
        )
    if not frame.count:
        raise DataError(f"{path}: a submission without a <DOCUMENT>. Download it again.")


def _take(part: _Open, line: bytes, mark: bytes, where: str) -> None:
    """Add a line to the open document."""
    if mark == b"<DOCUMENT>":
        raise DataError(
            f"{where}: a <DOCUMENT> starts inside the one of line {part.line}, which has no end. "
            "The file is damaged: download it again."
        )
    if mark == b"</DOCUMENT>":
        if part.lines is None or not part.type:
            raise DataError(
                f"{where}: a document without <TYPE> or <TEXT> (it starts on line {part.line}). "
                "The file is damaged: download it again."
            )
        part.done = True
    elif part.lines is None:
        _take_header(part, line, mark)
    elif mark != b"</TEXT>":
        part.size += len(line)
        if part.size > MAX_BYTES:
            raise DataError(f"{where}: a document of more than {MAX_BYTES >> 20} MiB.")
        # Of what is no prose the first lines are enough to know it by.
        if part.kept:
            part.lines.append(line)
            part.kept = len(part.lines) != _KNOWN_BY or part.prose()


def _take_header(part: _Open, line: bytes, mark: bytes) -> None:
    if mark.startswith(b"<TEXT>"):
        part.lines = [line.lstrip()[len(b"<TEXT>") :]]
    elif (found := _TAG.match(line)) is not None:
        if found[1].upper() == b"TYPE":
            part.type = found[2].strip()
        else:
            part.name = found[2].strip()

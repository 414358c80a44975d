"""Parse an XML file that nobody vouches for: no DTD, no entity that it declares, no network.

A first parser, which only tokenises, looks at what stands before the root element. A DOCTYPE with
an internal subset, the only place where a file can declare entities, is refused there. What stands
before the root is then cut off, so that nothing is declared any more.
"""

from __future__ import annotations

import re
from html.entities import html5
from typing import TYPE_CHECKING, Any
from xml.parsers import expat

from domainbert import DataError
from domainbert.readers import read_bytes
from domainbert_legal.files import one_line

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES = 64 * 1024 * 1024
"""No larger file is parsed; the longest acts have some megabytes."""

# Both parsers build these in. Of any other one they could differ in what they see.
_ENCODINGS = ("utf-8", "us-ascii", "iso-8859-1")
_NAMED = re.compile(r"<!\[CDATA\[.*?\]\]>|&([A-Za-z][A-Za-z0-9]*);", re.DOTALL)
_PREDEFINED = ("amp", "apos", "gt", "lt", "quot")


def parse(path: Path, publisher: str) -> Any:
    """Return the root element of an XML file, as lxml has it.

    Characters that HTML names, as `&nbsp;`, are what they are there.

    Args:
        path: An XML file, plain or compressed.
        publisher: Where such files come from, for messages.

    Raises:
        DataError: Missing, damaged, larger than 64 MiB, not well-formed, beyond libxml2's limits
            (10 MB in one text, 256 nested elements); its DOCTYPE has an internal subset; it has an
            encoding other than UTF-8, US-ASCII and ISO-8859-1, or names an unknown entity.
    """
    from lxml import etree

    data = read_bytes(path, MAX_BYTES)
    start, encoding = _prolog(data, path, publisher)

    def named(match: re.Match[str]) -> str:
        if match[1] is None or match[1] in _PREDEFINED:
            return match[0]
        if (character := html5.get(f"{match[1]};")) is None:
            raise DataError(
                f"{path}: refused: it names the entity &{match[1][:40]};, which neither XML nor "
                f"HTML has. Take the file as {publisher} publishes it."
            )
        # By number, as the character may be markup.
        return "".join(f"&#{ord(c)};" for c in character)

    try:
        text = _NAMED.sub(named, data[start:].decode(encoding))
        return etree.fromstring(text.encode("utf-8"), _parser(etree))
    except UnicodeDecodeError as error:
        where = f"byte {start + error.start}"
        raise DataError(f"{path}: not {encoding.upper()} at {where}. Convert the file.") from None
    except etree.XMLSyntaxError as error:
        said = one_line(str(error.msg))
        raise DataError(
            f"{path}: not well-formed: {said}, line {error.lineno} from the root element on. "
            "Download the file again."
        ) from None


def _parser(etree: Any) -> Any:
    return etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )


class _Found(Exception):
    """The root element starts."""


def _prolog(data: bytes, path: Path, publisher: str) -> tuple[int, str]:
    """Return the byte at which the root element starts, and the encoding."""
    if not data.strip():
        raise DataError(f"{path}: the file is empty.")
    parser, encodings, starts = expat.ParserCreate(), ["utf-8"], [0]

    def declaration(_version: str, encoding: str | None, _standalone: int) -> None:
        encodings[0] = (encoding or "utf-8").lower()

    def doctype(_name: str, _system: str | None, _public: str | None, subset: bool) -> None:
        if subset:
            raise DataError(
                f"{path}: refused: its DOCTYPE has an internal subset, where a file can declare "
                "entities that grow without bound or read other files. "
                f"The files of {publisher} have none: download the file there."
            )

    def root(_name: str, _attributes: dict[str, str]) -> None:
        starts[0] = parser.CurrentByteIndex
        raise _Found

    parser.XmlDeclHandler = declaration
    parser.StartDoctypeDeclHandler = doctype
    parser.StartElementHandler = root
    try:
        parser.Parse(data, True)
    except _Found:
        if encodings[0] in _ENCODINGS and data[:2] not in {b"\xff\xfe", b"\xfe\xff"}:
            return starts[0], encodings[0]
        said = encodings[0][:40]
        raise DataError(
            f"{path}: refused: its encoding is {said!r} or UTF-16, expected "
            f"{', '.join(_ENCODINGS)}. Convert the file."
        ) from None
    except expat.ExpatError as error:
        raise DataError(f"{path}: does not start as XML does: {error}.") from None
    raise DataError(f"{path}: no root element.")  # pragma: no cover  # expat refuses it before

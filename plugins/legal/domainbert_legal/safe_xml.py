"""Parse an XML file that nobody vouches for: no DTD, no entity that it declares, no network.

What stands before the root is looked at, and then cut off, so that nothing is declared any more.
"""

from __future__ import annotations

import re
from html.entities import html5
from typing import TYPE_CHECKING, Any

from domainbert import DataError
from domainbert.readers import LXML_OPTIONS, XmlProlog, read_bytes
from domainbert_legal.files import one_line

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES = 64 * 1024 * 1024
"""No larger file is parsed; the longest acts have some megabytes."""

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
    prolog = _prolog(data, path, publisher)

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
        text = _NAMED.sub(named, data[prolog.start :].decode(prolog.encoding))
        parser = etree.XMLParser(encoding="utf-8", **LXML_OPTIONS)
        return etree.fromstring(text.encode("utf-8"), parser)
    except UnicodeDecodeError as error:
        where = f"byte {prolog.start + error.start}"
        what = f"not {prolog.encoding.upper()} at {where}"
        raise DataError(f"{path}: {what}. Convert the file.") from None
    except etree.XMLSyntaxError as error:
        said = one_line(str(error.msg))
        raise DataError(
            f"{path}: not well-formed: {said}, line {error.lineno} from the root element on. "
            "Download the file again."
        ) from None


def _prolog(data: bytes, path: Path, publisher: str) -> XmlProlog:
    """Return what stands before the root element, which starts in UTF-8 or like it."""
    if not data.strip():
        raise DataError(f"{path}: the file is empty.")
    prolog = XmlProlog(lambda what, advice: DataError(f"{path}: {what}. {advice}"), publisher)
    prolog.feed(data, True)
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        said = f"refused: its encoding is {prolog.encoding!r} or UTF-16"
        raise DataError(f"{path}: {said}, expected UTF-8. Convert the file.")
    return prolog

"""Stream the elements of XML files that nobody vouches for, public as `domainbert.readers`.

Nothing that a file names is ever opened: no DTD, no external entity, no XInclude. A DOCTYPE with an
internal subset, the only place where a file can declare entities, is refused by a first look at
what stands before the root, before the parser that builds elements sees a byte of it.

Elements need the package `lxml`, on which a plugin that reads them depends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from xml.parsers import expat

from domainbert.errors import DataError

MAX_ELEMENT_BYTES = 16 * 1024 * 1024
"""No more XML than this is held without the end of an element in it."""
LXML_OPTIONS = {
    "resolve_entities": False, "no_network": True, "load_dtd": False, "huge_tree": False,
    "remove_comments": True, "remove_pis": True,
}  # fmt: skip
"""Options of lxml's parsers for files that nobody vouches for."""

Refuse = Callable[[str, str], DataError]
"""From the event, and the remedy as a sentence, to an error that says where."""
# Both parsers build these in. Of any other one they could differ in what they see.
_ENCODINGS = ("utf-8", "us-ascii", "iso-8859-1")
_AGAIN = "Download the file again."


@dataclass(frozen=True)
class XmlFormat:
    """A kind of XML file.

    Args:
        name: What messages call it, such as `PubMed XML`.
        roots: Names of the root elements that it may have, without namespaces.
        record: What messages call a record, such as `article`.
        tags: Names of the elements that are yielded, without namespaces.
        publisher: Where such files come from.
    """

    name: str
    roots: tuple[str, ...]
    record: str
    tags: tuple[str, ...]
    publisher: str


def refuse_declarations(parser: Any, refuse: Refuse, publisher: str) -> None:
    """Let an expat parser refuse a DOCTYPE with declarations, and entities that nothing declares.

    Args:
        parser: Made by `xml.parsers.expat.ParserCreate`; two of its handlers are set.
        refuse: Makes the errors.
        publisher: Where such files come from.
    """

    def doctype(_name: str, _system: str | None, _public: str | None, has_subset: bool) -> None:
        if has_subset:
            raise refuse(
                "refused: its DOCTYPE has an internal subset, where a file can declare entities "
                "that grow without bound or read other files",
                f"The files of {publisher} have none: download the file there.",
            )

    def skipped(name: str, _is_parameter: bool) -> None:
        raise refuse(f"refused: the entity {name!r} is not declared", "Write its text instead.")

    parser.StartDoctypeDeclHandler, parser.SkippedEntityHandler = doctype, skipped


class _Found(Exception):
    """The root element starts."""


class XmlProlog:
    """What stands before the root element, seen by a parser that only tokenises.

    `root` is the name of the root element, empty until it was seen; `start` the byte at which it
    starts; `encoding` is in lower case.

    Args:
        refuse: Makes the errors.
        publisher: Where such files come from.
    """

    def __init__(self, refuse: Refuse, publisher: str) -> None:
        self.root, self.start, self.encoding = "", 0, "utf-8"
        self._refuse, self._expat = refuse, expat.ParserCreate()
        self._expat.XmlDeclHandler = self._declared
        self._expat.StartElementHandler = self._rooted
        refuse_declarations(self._expat, refuse, publisher)

    def feed(self, data: bytes, is_last: bool = False) -> None:
        """Read on up to the root element.

        Raises:
            DataError: Made by `refuse`: an internal subset, an encoding other than UTF-8, US-ASCII
                and ISO-8859-1, or a start that is not XML.
        """
        if self.root:
            return
        try:
            self._expat.Parse(data, is_last)
        except _Found:
            pass
        except expat.ExpatError as error:
            raise self._refuse(f"does not start as XML does: {error}", _AGAIN) from None

    def _declared(self, _version: str, encoding: str | None, _standalone: int) -> None:
        self.encoding = (encoding or "utf-8").lower()
        if self.encoding not in _ENCODINGS:
            raise self._refuse(
                f"refused: it declares the encoding {self.encoding[:40]!r}",
                f"Expected one of {', '.join(_ENCODINGS)}: convert the file.",
            )

    def _rooted(self, name: str, _attributes: dict[str, str]) -> None:
        self.root, self.start = name, self._expat.CurrentByteIndex
        raise _Found


def xml_elements(chunks: Iterable[bytes], form: XmlFormat, refuse: Refuse) -> Iterator[Any]:
    """Yield the elements of the format's tags, as lxml elements, in the order of their ends.

    Memory does not grow with the file: an element is freed when the next one is asked for.

    Args:
        chunks: The bytes of a file, as of `read_chunks`.
        form: What it should be.
        refuse: Makes the errors.

    Raises:
        DataError: Made by `refuse`: the file is empty, cut short or not well-formed; its root is
            not one of the format's; as of `XmlProlog`; it refers to an entity that XML does not
            predefine; or an element exceeds 16 MiB or libxml2's limits (10 MB in one text, 256
            nested elements).
    """
    from lxml import etree

    # Not iterparse: it hides lxml's log, without which a lost entity goes unnoticed (see _feed).
    tags = [f"{{*}}{name}" for name in form.tags]
    parser = etree.XMLPullParser(events=("end",), tag=tags, **LXML_OPTIONS)
    prolog, size, ended_at = XmlProlog(refuse, form.publisher), 0, 0
    for chunk in chunks:
        size += len(chunk)
        _look(prolog, chunk, form, refuse)
        for element in _feed(parser, chunk, refuse):
            yield element
            _free(element)
            ended_at = size
        if size - ended_at > MAX_ELEMENT_BYTES:
            limit = MAX_ELEMENT_BYTES >> 20
            raise refuse(f"no {form.record} ends within {limit} MiB of XML", _AGAIN)
    if not size:
        raise refuse("the file is empty", _AGAIN)
    try:
        parser.close()
    except etree.XMLSyntaxError as error:
        what = f"the XML ends before its root element does: {_folded(error.msg)}"
        raise refuse(what, _AGAIN) from None


def _look(prolog: XmlProlog, chunk: bytes, form: XmlFormat, refuse: Refuse) -> None:
    """Refuse a prolog that is none, or a foreign root."""
    if prolog.root:
        return
    prolog.feed(chunk)
    if prolog.root and prolog.root.rpartition(":")[2] not in form.roots:
        raise refuse(
            f"not {form.name}: its root element is {prolog.root!r}",
            f"Expected one of {', '.join(form.roots)}.",
        )


def _feed(parser: Any, chunk: bytes, refuse: Refuse) -> Iterator[Any]:
    """Yield the elements that end in `chunk`."""
    from lxml import etree

    try:
        parser.feed(chunk)
    except etree.XMLSyntaxError as error:
        raise refuse(f"not well-formed: {_folded(error.msg)}", _AGAIN) from None
    # An entity that is not declared raises nothing here. Beside a DTD that was not loaded it drops
    # out of attributes; without one, lxml stops and takes the next chunk for a new document.
    for entry in parser.feed_error_log:
        entity = entry.type == etree.ErrorTypes.WAR_UNDECLARED_ENTITY
        if entity or entry.level >= etree.ErrorLevels.ERROR:
            place = f"line {entry.line}, column {entry.column}"
            raise refuse(f"not well-formed: {_folded(entry.message)}, {place}", _AGAIN)
    for _, element in parser.read_events():
        # The first look leaves no entity that is declared; this does not rely on it.
        for entity in element.iter(etree.Entity):
            what = f"refused: it refers to the entity {entity.text} instead of giving text"
            raise refuse(what, _AGAIN)
        yield element


def _folded(text: str) -> str:
    return " ".join(text.split())


def _free(element: Any) -> None:
    # The tail may still grow, as the parser is ahead; it goes with the element, one record later.
    element.clear(keep_tail=True)
    while element.getprevious() is not None:
        del element.getparent()[0]

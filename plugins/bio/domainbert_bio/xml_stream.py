"""Stream the records of a biomedical XML file: one element of a given name at a time.

The file is untrusted input. Nothing that it names is ever opened: no DTD, no external entity, no
XInclude. A DOCTYPE with an internal subset, the only place where a file can declare entities, is
refused by a first look at the prolog, before the parser that builds elements sees a byte of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from xml.parsers import expat

from domainbert import DataError
from domainbert.readers import read_chunks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

MAX_RECORD_BYTES = 16 * 1024 * 1024
"""No more XML than this is held without the end of a record in it."""

# Both parsers build these in. Of any other one they could differ in what they see.
_ENCODINGS = ("utf-8", "us-ascii", "iso-8859-1")


@dataclass(frozen=True)
class Format:
    """A kind of XML file.

    Args:
        name: What messages call it, such as `PubMed XML`.
        roots: Names of the root elements that it may have, without namespaces.
        record: What messages call a record, such as `article`.
        tags: Names of the elements that are yielded, without namespaces.
        id: What messages call the id of a record, such as `PMID`.
        publisher: Where such files come from.
    """

    name: str
    roots: tuple[str, ...]
    record: str
    tags: tuple[str, ...]
    id: str
    publisher: str


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

    Memory does not grow with the file: an element is freed when the next one is asked for.

    Args:
        at: The file; its offset is kept up to date, and the caller keeps its last id.

    Raises:
        DataError: The file is missing, empty, cut short, damaged or not well-formed; its root is
            not one of the format's; its DOCTYPE has an internal subset; it declares an encoding
            other than UTF-8, US-ASCII and ISO-8859-1; it refers to an entity that XML does not
            predefine; or a record exceeds 16 MiB or libxml2's limits (10 MB in one text, 256
            nested elements).
    """
    parser = _parser(at.format)
    prolog = _Prolog(at)
    record_ends_at = 0
    for chunk in read_chunks(at.path):
        at.offset += len(chunk)
        prolog.check(chunk)
        for element in _feed(parser, chunk, at):
            _refuse_entities(element, at)
            yield element
            _free(element)
            record_ends_at = at.offset
        if at.offset - record_ends_at > MAX_RECORD_BYTES:
            limit = MAX_RECORD_BYTES >> 20
            raise at.error(f"no {at.format.record} ends within {limit} MiB of XML")
    _finish(parser, at)


class _Prolog:
    """Looks at what stands before the root element, with a parser that only tokenises."""

    def __init__(self, at: Position) -> None:
        self._at = at
        self._done = False
        self._expat = expat.ParserCreate()
        self._expat.XmlDeclHandler = self._declaration
        self._expat.StartDoctypeDeclHandler = self._doctype
        self._expat.StartElementHandler = self._root

    def check(self, chunk: bytes) -> None:
        """Refuse an internal subset, a foreign root, or a start that is not XML."""
        if self._done:
            return
        try:
            self._expat.Parse(chunk)
        except expat.ExpatError as error:
            # After the root's start tag, what is wrong is for the other parser to say.
            if not self._done:
                raise self._at.error(f"does not start as XML does: {error}") from None

    def _declaration(self, _version: str, encoding: str | None, _standalone: int) -> None:
        if encoding is not None and encoding.lower() not in _ENCODINGS:
            raise self._at.error(
                f"refused: it declares the encoding {encoding[:40]!r}",
                f"Expected one of {', '.join(_ENCODINGS)}: convert the file.",
            )

    def _doctype(
        self, _name: str, _system: str | None, _public: str | None, internal_subset: bool
    ) -> None:
        if internal_subset:
            raise self._at.error(
                "refused: its DOCTYPE has an internal subset, where a file can declare entities "
                "that grow without bound or read other files",
                f"The files of {self._at.format.publisher} have none: download the file there.",
            )

    def _root(self, name: str, _attributes: dict[str, str]) -> None:
        self._done = True
        self._expat.StartElementHandler = None
        expected = self._at.format
        if name.rpartition(":")[2] not in expected.roots:
            raise self._at.error(
                f"not {expected.name}: its root element is {name!r}",
                f"Expected one of {', '.join(expected.roots)}.",
            )


def _parser(form: Format) -> Any:
    from lxml import etree

    # Not iterparse: it hides lxml's log, without which a lost entity goes unnoticed (see _feed).
    return etree.XMLPullParser(
        events=("end",),
        tag=[f"{{*}}{name}" for name in form.tags],
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )


def _feed(parser: Any, chunk: bytes, at: Position) -> Iterable[Any]:
    """Return the elements that end in `chunk`."""
    from lxml import etree

    try:
        parser.feed(chunk)
    except etree.XMLSyntaxError as error:
        raise at.error(f"not well-formed: {folded(error.msg)}") from None
    # An entity that is not declared raises nothing here. Beside a DTD that was not loaded it drops
    # out of attributes; without one, lxml stops and takes the next chunk for a new document.
    for entry in parser.feed_error_log:
        entity = entry.type == etree.ErrorTypes.WAR_UNDECLARED_ENTITY
        if entity or entry.level >= etree.ErrorLevels.ERROR:
            place = f"line {entry.line}, column {entry.column}"
            raise at.error(f"not well-formed: {folded(entry.message)}, {place}")
    return (element for _, element in parser.read_events())


def _finish(parser: Any, at: Position) -> None:
    from lxml import etree

    if at.offset == 0:
        raise at.error("the file is empty")
    try:
        parser.close()
    except etree.XMLSyntaxError as error:
        raise at.error(f"the XML ends before its root element does: {folded(error.msg)}") from None


def folded(text: str) -> str:
    """Return a text on one line."""
    return " ".join(text.split())


def _free(element: Any) -> None:
    # The tail may still grow, as the parser is ahead; it goes with the element, one record later.
    element.clear(keep_tail=True)
    while element.getprevious() is not None:
        del element.getparent()[0]


def _refuse_entities(element: Any, at: Position) -> None:
    # The first look leaves none that is declared; this does not rely on it.
    from lxml import etree

    for entity in element.iter(etree.Entity):
        raise at.error(f"refused: it refers to the entity {entity.text} instead of giving text")


def name_of(element: Any) -> str:
    """Return the name of an element without its namespace."""
    return str(element.tag).rpartition("}")[2]

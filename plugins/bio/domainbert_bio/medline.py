"""Read PubMed/MEDLINE XML as a stream of documents.

The file is untrusted input. Nothing that it names is ever opened: no DTD, no external entity, no
XInclude. A DOCTYPE with an internal subset, the only place where a file can declare entities, is
refused by a first look at the prolog, before the parser that builds elements sees a byte of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from xml.parsers import expat

from domainbert import DataError, Document
from domainbert.readers import read_chunks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

ROOTS = (
    "PubmedArticleSet",
    "PubmedBookArticleSet",
    "MedlineCitationSet",
    "PubmedArticle",
    "PubmedBookArticle",
    "MedlineCitation",
)
MAX_RECORD_BYTES = 16 * 1024 * 1024
"""No more XML than this is held without the end of an article in it."""

# Both parsers build these in. Of any other one they could differ in what they see.
_ENCODINGS = ("utf-8", "us-ascii", "iso-8859-1")

_CITATIONS = ("MedlineCitation", "BookDocument")
_ARTICLES = ("PubmedArticle", "PubmedBookArticle")
_DELETIONS = ("DeleteCitation", "DeleteDocument")
_PMID = re.compile(r"[0-9]+")
# The TeX of a formula stands beside what is shown of it.
_UNSHOWN = {"annotation", "annotation-xml"}
_DISPLAYED = {"DispFormula", "disp-formula"}


def read_medline(path: Path) -> Iterator[Document]:
    """Yield one document for each article of a PubMed/MEDLINE XML file.

    Articles are `PubmedArticle`, `PubmedBookArticle` and bare `MedlineCitation` elements, also as
    the root. The text is the title, a newline, and one line per section of the abstract, with the
    section's `Label` before it as `LABEL: `. Inline markup and MathML are flattened to their
    characters, white space is folded, and the brackets that mark a translated title are taken off
    (`[Title].` becomes `Title.`); the placeholder `[Not Available].` is no title. Other abstracts
    (`OtherAbstract`, mostly translations) are left out. An article with neither title nor abstract
    has an empty text. `DeleteCitation` is skipped. Versions of one article share an id.

    Memory does not grow with the file: an article is freed when the next one is read.

    Args:
        path: An `.xml` file, plain or compressed.

    Raises:
        DataError: The file is missing, empty, cut short, damaged or not well-formed; its root is
            not one of PubMed's; its DOCTYPE has an internal subset; it declares an encoding
            other than UTF-8, US-ASCII and ISO-8859-1; it refers to an entity that XML does not
            predefine; an article has no PMID or no citation; or an article exceeds 16 MiB or
            libxml2's limits (10 MB in one text, 256 nested elements).
    """
    at = _Position(path)
    parser = _parser()
    prolog = _Prolog(at)
    article_ends_at = 0
    for chunk in read_chunks(path):
        at.offset += len(chunk)
        prolog.check(chunk)
        for element in _feed(parser, chunk, at):
            if element.tag in _CITATIONS:
                yield _document(element, at)
            elif element.tag in _ARTICLES and not any(map(element.findall, _CITATIONS)):
                raise at.error(f"a {element.tag} without one of {', '.join(_CITATIONS)}")
            _free(element)
            article_ends_at = at.offset
        if at.offset - article_ends_at > MAX_RECORD_BYTES:
            raise at.error(f"no article ends within {MAX_RECORD_BYTES >> 20} MiB of XML")
    _finish(parser, at)


@dataclass
class _Position:
    """How far reading has got, for messages."""

    path: Path
    offset: int = 0
    pmid: str = ""

    def error(self, what: str, advice: str = "Download the file again.") -> DataError:
        last = f"last PMID read: {self.pmid}" if self.pmid else "no PMID read before"
        return DataError(f"{self.path}: {what} (read up to byte {self.offset}; {last}). {advice}")


class _Prolog:
    """Looks at what stands before the root element, with a parser that only tokenises."""

    def __init__(self, at: _Position) -> None:
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
                "PubMed's own files have none: download the file from the NLM.",
            )

    def _root(self, name: str, _attributes: dict[str, str]) -> None:
        self._done = True
        self._expat.StartElementHandler = None
        if name not in ROOTS:
            raise self._at.error(
                f"not PubMed XML: its root element is {name!r}",
                f"Expected one of {', '.join(ROOTS)}.",
            )


def _parser() -> Any:
    from lxml import etree

    # Not iterparse: it hides lxml's log, without which a lost entity goes unnoticed (see _feed).
    return etree.XMLPullParser(
        events=("end",),
        tag=(*_CITATIONS, *_ARTICLES, *_DELETIONS),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )


def _feed(parser: Any, chunk: bytes, at: _Position) -> Iterable[Any]:
    """Return the elements that end in `chunk`."""
    from lxml import etree

    try:
        parser.feed(chunk)
    except etree.XMLSyntaxError as error:
        raise at.error(f"not well-formed: {_said(error.msg)}") from None
    # An entity that is not declared raises nothing here. Beside a DTD that was not loaded it drops
    # out of attributes; without one, lxml stops and takes the next chunk for a new document.
    for entry in parser.feed_error_log:
        entity = entry.type == etree.ErrorTypes.WAR_UNDECLARED_ENTITY
        if entity or entry.level >= etree.ErrorLevels.ERROR:
            place = f"line {entry.line}, column {entry.column}"
            raise at.error(f"not well-formed: {_said(entry.message)}, {place}")
    return (element for _, element in parser.read_events())


def _finish(parser: Any, at: _Position) -> None:
    from lxml import etree

    if at.offset == 0:
        raise at.error("the file is empty")
    try:
        parser.close()
    except etree.XMLSyntaxError as error:
        raise at.error(f"the XML ends before its root element does: {_said(error.msg)}") from None


def _said(message: str) -> str:
    return " ".join(message.split())


def _free(element: Any) -> None:
    # The tail may still grow, as the parser is ahead; it goes with the element, one record later.
    element.clear(keep_tail=True)
    while element.getprevious() is not None:
        del element.getparent()[0]


def _document(citation: Any, at: _Position) -> Document:
    pmid = (citation.findtext("PMID") or "").strip()
    if not _PMID.fullmatch(pmid):
        raise at.error(f"an article without a PMID (found {pmid[:40]!r}, expected digits)")
    at.pmid = pmid
    _refuse_entities(citation, at)
    article = citation if citation.tag == "BookDocument" else citation.find("Article")
    parts = [] if article is None else [_title(article), *_sections(article)]
    text = "\n".join(part for part in parts if part)
    return Document(f"pmid:{pmid}", text, f"{at.path.name}#{pmid}")


def _refuse_entities(citation: Any, at: _Position) -> None:
    # The first look leaves none that is declared; this does not rely on it.
    from lxml import etree

    for entity in citation.iter(etree.Entity):
        raise at.error(f"refused: it refers to the entity {entity.text} instead of giving text")


def _title(article: Any) -> str:
    title = article.find("ArticleTitle")
    text = "" if title is None else without_brackets(_flat(title))
    return "" if text.rstrip(".") == "Not Available" else text


def _sections(article: Any) -> Iterator[str]:
    for section in article.iterfind("Abstract/AbstractText"):
        text, label = _flat(section), _said(section.get("Label", ""))
        yield f"{label}: {text}" if label and text else text


def _flat(element: Any) -> str:
    """Return the text of an element as PubMed shows it, on one line."""
    return " ".join("".join(_shown(element)).split())


def _shown(element: Any) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        name = _name(child)
        if name not in _UNSHOWN:
            apart = " " if name in _DISPLAYED or _is_bold_line(child) else ""
            yield apart
            yield from _shown(child)
            yield apart
        yield child.tail or ""


def _name(element: Any) -> str:
    """Return the name of an element without its namespace."""
    return str(element.tag).rpartition("}")[2]


def _is_bold_line(element: Any) -> bool:
    """Return whether a bold element touches the one before: such are headed lines of a form."""
    before = element.getprevious()
    touches = before is not None and not before.tail and _name(before) == "b"
    return touches and _name(element) == "b"


def without_brackets(title: str) -> str:
    """Return a title without the pair of brackets that encloses all of it but a final stop.

    Args:
        title: As PubMed prints it; `[18F]FDG in [11C].` has no such pair and is returned as it is.
    """
    stop = "." if title.endswith("].") else ""
    body = title.removesuffix(stop)
    if not (body.startswith("[") and body.endswith("]")):
        return title
    depth = 0
    for index, character in enumerate(body):
        depth += (character == "[") - (character == "]")
        if depth == 0:
            return body[1:-1].strip() + stop if index == len(body) - 1 else title
    return title

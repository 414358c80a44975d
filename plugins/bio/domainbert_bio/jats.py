"""Read full articles in JATS XML: PMC, Europe PMC, PLOS and other publishers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from domainbert import Document
from domainbert_bio.xml_stream import Format, Position, folded, name_of, records

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

JATS = Format(
    "JATS XML", ("article", "articles", "pmc-articleset", "articleset"), "article", ("article",),
    "PubMed Central", "article",
)  # fmt: skip

# The first of these kinds that an article has is its id.
_IDS = (("pmc", "pmc"), ("pmcid", "pmc"), ("pmid", "pmid"), ("doi", "doi"))
# Tables, formulas that stand alone, pictures, numbers of sections and figures, references.
_LEFT_OUT = frozenset({
    "alt-text", "annotation", "annotation-xml", "chem-struct-wrap", "code", "def-list",
    "disp-formula", "disp-formula-group", "fn", "fn-group", "glossary", "graphic",
    "inline-graphic", "inline-supplementary-material", "label", "long-desc", "media", "object-id",
    "permissions", "preformat", "ref-list", "sec-meta", "sig-block", "supplementary-material",
    "table", "table-wrap-foot", "tex-math",
})  # fmt: skip
_BLOCKS = frozenset({
    "abstract", "app", "attrib", "body", "boxed-text", "caption", "disp-quote", "fig", "fig-group",
    "floats-group", "list", "list-item", "p", "sec", "speech", "statement", "subtitle",
    "table-wrap", "title", "verse-group", "verse-line",
})  # fmt: skip
# They stand in a paragraph where the page has room for them; its text goes on behind.
_FLOATS = frozenset({"boxed-text", "fig", "fig-group", "table-wrap"})


def read_jats(path: Path) -> Iterator[Document]:
    """Yield one document for each article of a JATS XML file.

    The text is the title, the abstracts, the body and the captions of its floating figures: one
    line per title, paragraph and list item. A figure, table or box that stands within a paragraph
    follows it. Inline markup is flattened to its characters and white space is folded.

    Left out are tables (not their captions), displayed formulas, the TeX of inline ones, pictures,
    footnotes, supplementary files, numbers of sections and figures, translated abstracts, reviews
    and answers (`sub-article`, `response`), and all that follows the body: references,
    acknowledgements, appendices. So are raised numbers that refer to the literature, which would
    grow onto words (`cells12`). An article without text has an empty one.

    The id is that of PMC (`pmc:PMC123`), else `pmid:`, else `doi:`; an article with none of these
    is `FILE#1`. Memory does not grow with the number of articles.

    Args:
        path: An `.xml` or `.nxml` file, plain or compressed: an article or a set of them.

    Raises:
        DataError: As of `domainbert_bio.xml_stream.records`.
    """
    at = Position(path, JATS)
    for number, article in enumerate(records(at), 1):
        front = _child(article, "front")
        meta = _child(front, "article-meta")
        name = _id(meta) or f"{path.name}#{number}"
        at.last = name
        yield Document(name, "\n".join(_article(article, meta)), f"{path.name}#{number}")


def _child(element: Any, name: str) -> Any:
    return None if element is None else element.find(f"{{*}}{name}")


def _id(meta: Any) -> str:
    given: dict[str, str] = {}
    for element in () if meta is None else meta.iterfind("{*}article-id"):
        given.setdefault(element.get("pub-id-type", ""), folded(element.text or ""))
    for kind, prefix in _IDS:
        if value := given.get(kind):
            bare = prefix == "pmc" and value.isdecimal()
            return f"{prefix}:{'PMC' if bare else ''}{value}"
    return ""


def _article(article: Any, meta: Any) -> Iterator[str]:
    titles = _child(meta, "title-group")
    for name in ("article-title", "subtitle"):
        if (element := _child(titles, name)) is not None:
            yield from _lines(element)
    for abstract in () if meta is None else meta.iterfind("{*}abstract"):
        yield from _lines(abstract)
    for name in ("body", "floats-group"):
        if (element := _child(article, name)) is not None:
            yield from _lines(element)


def _lines(block: Any) -> Iterator[str]:
    """Yield the lines of a block: its own text, those of blocks in it, then what floats in it."""
    text: list[str] = []
    floating: list[Any] = []

    def walk(element: Any) -> Iterator[str]:
        text.append(element.text or "")
        for child in element:
            name = name_of(child)
            if name in _FLOATS and name_of(block) == "p":
                floating.append(child)
            elif name in _BLOCKS:
                yield from flush()
                yield from _lines(child)
            elif name == "disp-formula":
                text.append(" ")
            elif name not in _LEFT_OUT and not _raised_reference(child, name):
                yield from walk(child)
            text.append(child.tail or "")

    def flush() -> Iterator[str]:
        if line := folded("".join(text)):
            yield line
        text.clear()

    yield from walk(block)
    yield from flush()
    for element in floating:
        yield from _lines(element)


def _raised_reference(element: Any, name: str) -> bool:
    """Return whether this is a raised number that refers to the literature."""
    inner = list(element)
    if name == "sup" and inner and all(_to_literature(child) for child in inner):
        between = [element.text, *(child.tail for child in inner)]
        return not any(map(str.isalnum, "".join(part or "" for part in between)))
    alone = len(inner) == 1 and name_of(inner[0]) == "sup"
    beside = (element.text or "") + (inner[0].tail or "") if alone else "text"
    return _to_literature(element) and not beside.strip()


def _to_literature(element: Any) -> bool:
    return name_of(element) == "xref" and element.get("ref-type") == "bibr"

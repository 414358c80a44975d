"""Read PubMed/MEDLINE XML as a stream of documents."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from domainbert import Document
from domainbert_bio.xml_stream import Format, Position, folded, name_of, records

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_CITATIONS = ("MedlineCitation", "BookDocument")
_ARTICLES = ("PubmedArticle", "PubmedBookArticle")
_DELETIONS = ("DeleteCitation", "DeleteDocument")
PUBMED_XML = Format(
    "PubMed XML",
    ("PubmedArticleSet", "PubmedBookArticleSet", "MedlineCitationSet", *_ARTICLES,
     "MedlineCitation"),
    "article", (*_CITATIONS, *_ARTICLES, *_DELETIONS), "the National Library of Medicine", "PMID",
)  # fmt: skip
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
        DataError: As of `domainbert_bio.xml_stream.records`; or an article has no PMID or no
            citation.
    """
    at = Position(path, PUBMED_XML)
    for element in records(at):
        if element.tag in _CITATIONS:
            yield _document(element, at)
        elif element.tag in _ARTICLES and not any(map(element.findall, _CITATIONS)):
            raise at.error(f"a {element.tag} without one of {', '.join(_CITATIONS)}")


def _document(citation: Any, at: Position) -> Document:
    pmid = (citation.findtext("PMID") or "").strip()
    if not _PMID.fullmatch(pmid):
        raise at.error(f"an article without a PMID (found {pmid[:40]!r}, expected digits)")
    at.last = pmid
    article = citation if citation.tag == "BookDocument" else citation.find("Article")
    parts = [] if article is None else [_title(article), *_sections(article)]
    text = "\n".join(part for part in parts if part)
    return Document(f"pmid:{pmid}", text, f"{at.path.name}#{pmid}")


def _title(article: Any) -> str:
    title = article.find("ArticleTitle")
    text = "" if title is None else without_brackets(_flat(title))
    return "" if text.rstrip(".") == "Not Available" else text


def _sections(article: Any) -> Iterator[str]:
    for section in article.iterfind("Abstract/AbstractText"):
        text, label = _flat(section), folded(section.get("Label", ""))
        yield f"{label}: {text}" if label and text else text


def _flat(element: Any) -> str:
    """Return the text of an element as PubMed shows it, on one line."""
    return " ".join("".join(_shown(element)).split())


def _shown(element: Any) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        name = name_of(child)
        if name not in _UNSHOWN:
            apart = " " if name in _DISPLAYED or _is_bold_line(child) else ""
            yield apart
            yield from _shown(child)
            yield apart
        yield child.tail or ""


def _is_bold_line(element: Any) -> bool:
    """Return whether a bold element touches the one before: such are headed lines of a form."""
    before = element.getprevious()
    touches = before is not None and not before.tail and name_of(before) == "b"
    return touches and name_of(element) == "b"


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

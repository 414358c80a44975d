"""From an XML document to elements, and from elements to plain text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from domainbert.readers import LXML_OPTIONS
from domainbert_patent.claims import joined
from domainbert_patent.entities import replace_names
from domainbert_patent.reissue import drop_deleted, in_force, may_delete
from domainbert_patent.sgml import close_empty_elements

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from domainbert_patent.stream import Position, XmlDocument

# Claims of files that have no element for each.
_LOOSE = ("claim-text", "p", "paragraph", "PARA")
# The formats of the years in which characters had names.
_NAMED_CHARACTERS = ("PATDOC", "patent-application-publication")

# Tables, formulas and pictures are no prose. `CWU` and `cwu` are "complex work units".
_LEFT_OUT = frozenset({
    "tables", "table", "TABLE-US", "table-cwu", "maths", "math", "us-math", "MATH-US", "math-cwu",
    "chemistry", "us-chemistry", "CHEM-US", "chemistry-cwu", "CWU", "EMI", "img", "image",
    "program-listing-reference", "sequence-list", "sequence-cwu", "CUSTOM-CHARACTER",
    "custom-character",
})  # fmt: skip

# Marks within a word or beside it; every other element starts and ends with a blank.
_WITHIN_WORDS = frozenset({
    "b", "i", "u", "o", "sub", "sub2", "sup", "sup2", "smallcaps", "figref", "claim-ref",
    "crossref", "patcit", "nplcit", "bibl", "a", "font",
    "PDAT", "HIL", "BOLD", "ITALIC", "ULINE", "OLINE", "SB", "SP", "SC", "SMALLCAPS", "CLREF",
    "FGREF", "TBLREF", "CRF", "PTEXT", "STEXT", "DEL-S", "DEL-E", "INS-S", "INS-E", "BHIL",
    "highlight", "bold", "italic", "subscript", "superscript", "underline", "cross-reference",
    "dependent-claim-reference", "small-caps", "delete-start", "delete-end", "insert-start",
    "insert-end", "del", "deleted", "ins", "inserted",
})  # fmt: skip


def parse(document: XmlDocument, at: Position) -> Any:
    """Return the root element.

    Args:
        document: Its prolog is gone, so nothing can be declared in it any more.
        at: Where it stands, for messages.

    Raises:
        DataError: It is not well-formed, goes beyond libxml2's limits (10 MB in one text, 256
            nested elements), or names a character that no set has.
    """
    from lxml import etree

    def unknown(name: str) -> str:
        if document.root in _NAMED_CHARACTERS:
            return " "
        raise at.error(f"not well-formed: the entity &{name[:40]}; is not declared")

    text = replace_names(document.text, unknown)
    if document.sgml and document.root == "PATDOC":
        text = close_empty_elements(text)
    marked = may_delete(text)
    parser = etree.XMLParser(encoding="utf-8", **{**LXML_OPTIONS, "remove_pis": not marked})
    try:
        root = etree.fromstring(text.encode("utf-8", "surrogatepass"), parser)
    except etree.XMLSyntaxError as error:
        said = " ".join(str(error.msg).split())
        raise at.error(f"not well-formed: {said} (lines are those of the record)") from None
    if marked:
        drop_deleted(root)
    return root


def flat(element: Any) -> str:
    """Return the text of an element in one line, without tables, formulas and pictures.

    Args:
        element: Any, or None for an absent one, which has no text.
    """
    return in_force(_as_published(element)) if element is not None else ""


def _in_force(published: list[str]) -> list[str]:
    """Return texts in force; a deletion may cross them."""
    return in_force("\n".join(published)).split("\n") if published else []


def _as_published(element: Any) -> str:
    return " ".join("".join(_pieces(element)).split())


def _pieces(element: Any) -> Iterator[str]:
    # Not recursive: claims may nest deep.
    stack: list[tuple[Any, bool]] = [(element, True)]
    while stack:
        node, entering = stack.pop()
        blank = "" if _is_within_words(node) else " "
        if not entering:
            yield blank
            yield node.tail or "" if node is not element else ""
        elif node.tag in _LEFT_OUT and node is not element:
            yield " "
            yield node.tail or ""
        else:
            yield blank
            yield node.text or ""
            stack.append((node, False))
            stack.extend((child, True) for child in reversed(node))


def _is_within_words(node: Any) -> bool:
    # PAP: `<dependent-claim-reference><claim-text>claim 1</claim-text>` in the midst of a sentence.
    parent = node.getparent() if node.tag == "claim-text" else None
    return (node if parent is None else parent).tag in _WITHIN_WORDS


def claims_in(element: Any, path: str) -> list[tuple[str, str]]:
    """Return the number that the file gives apart, and the text, of each claim.

    Claims that stand without an element each, as paragraphs, are taken as such.

    Args:
        element: Where the path starts, or None where there are no claims.
        path: To the elements of claims, `claims/claim` or so.
    """
    if element is None:
        return []
    claims = element.findall(path)
    found = list(zip(map(_number, claims), _in_force([*map(_as_published, claims)]), strict=True))
    if found or "/" not in path:
        loose = filter(None, map(_as_published, _blocks_in(element, _LOOSE)))
        return found or [("", text) for text in _in_force(joined(loose))]
    above = path.rpartition("/")[0].rstrip("/")
    return [claim for part in element.iterfind(above) for claim in claims_in(part, "claim")]


def _number(claim: Any) -> str:
    given = str(claim.get("num") or claim.get("id") or claim.get("ID") or "")
    return given if claim.get("num") or given.upper().startswith("CLM") else ""


def paragraphs(element: Any, blocks: Iterable[str]) -> str:
    """Return the texts of all blocks in an element, a line each.

    Args:
        element: Such as a description, or None for an absent one.
        blocks: Names of elements that are a paragraph or a heading; one inside another is part of
            its text.
    """
    published = [_as_published(block) for block in _blocks_in(element, blocks)]
    return "\n".join(filter(None, _in_force(published)))


def _blocks_in(element: Any, names: Iterable[str]) -> list[Any]:
    wanted = frozenset(names)
    found: list[Any] = []
    stack = [element] if element is not None else []
    while stack:
        node = stack.pop()
        if node.tag in wanted:
            found.append(node)
        elif node.tag not in _LEFT_OUT:
            stack.extend(reversed(node))
    return found


def text_of(element: Any, path: str) -> str:
    """Return the text of the first element on a path, in one line, empty if there is none.

    Args:
        element: Where the path starts.
        path: In the language of ElementTree.
    """
    return flat(element.find(path))

"""From an XML document to elements, and from elements to plain text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from domainbert_patent.entities import replace_names
from domainbert_patent.sgml import close_empty_elements

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from domainbert_patent.stream import Position, XmlDocument

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
    "dependent-claim-reference", "small-caps",
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
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis="<?delete-start" not in text,
    )
    try:
        root = etree.fromstring(text.encode("utf-8", "surrogatepass"), parser)
        drop_deleted(root)
        return root
    except etree.XMLSyntaxError as error:
        said = " ".join(str(error.msg).split())
        raise at.error(f"not well-formed: {said} (lines are those of the record)") from None


def drop_deleted(root: Any) -> None:
    """Take out what a reissue deletes: the text between marks that start and end a deletion.

    The marks are processing instructions, in older files empty elements. Insertions stay.
    """
    from lxml import etree

    deleting, instructions = False, []
    for event, node in etree.iterwalk(root, events=("start", "end", "pi")):
        name = node.target if event == "pi" else str(node.tag)
        if event == "start" and deleting:
            node.text = None
        if event != "start":
            starts, ends = name in {"delete-start", "DEL-S"}, name in {"delete-end", "DEL-E"}
            deleting = starts or (deleting and not ends)
            if deleting:
                node.tail = None
        if event == "pi":
            instructions.append(node)
    for node in instructions:
        _unlink(node)


def _unlink(node: Any) -> None:
    """Remove a processing instruction; its tail stays in place."""
    parent, before = node.getparent(), node.getprevious()
    if parent is None:
        return
    if before is None:
        parent.text = (parent.text or "") + (node.tail or "")
    else:
        before.tail = (before.tail or "") + (node.tail or "")
    node.tail = None
    parent.remove(node)


def flat(element: Any) -> str:
    """Return the text of an element in one line, without tables, formulas and pictures.

    Args:
        element: Any, or None for an absent one, which has no text.
    """
    return " ".join("".join(_pieces(element)).split()) if element is not None else ""


def _pieces(element: Any) -> Iterator[str]:
    # Not recursive: claims may nest deep.
    stack: list[tuple[Any, bool]] = [(element, True)]
    while stack:
        node, entering = stack.pop()
        blank = "" if node.tag in _WITHIN_WORDS else " "
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


def paragraphs(element: Any, blocks: Iterable[str]) -> str:
    """Return the texts of all blocks in an element, a line each.

    Args:
        element: Such as a description, or None for an absent one.
        blocks: Names of elements that are a paragraph or a heading; one inside another is part of
            its text.
    """
    names = frozenset(blocks)
    if element is None:
        return ""
    lines: list[str] = []
    stack = [element]
    while stack:
        node = stack.pop()
        if node.tag in names:
            lines.append(flat(node))
        elif node.tag not in _LEFT_OUT:
            stack.extend(reversed(node))
    return "\n".join(line for line in lines if line)


def text_of(element: Any, path: str) -> str:
    """Return the text of the first element on a path, in one line, empty if there is none.

    Args:
        element: Where the path starts.
        path: In the language of ElementTree.
    """
    return flat(element.find(path))

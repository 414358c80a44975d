"""Read EU law in XML: Formex 4 and XHTML as EUR-Lex has them, and Akoma Ntoso.

| format | root element | marks that stay with their text |
| --- | --- | --- |
| Formex 4 | `ACT`, `ANNEX`, `CONS.ACT`, `GENERAL`, … | `NO.P`, `NO.PARAG` |
| Akoma Ntoso | `akomaNtoso` | `num` |
| XHTML | `html` | cells and paragraphs that are a mark alone, such as `(a)` |
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from domainbert import DataError, Document
from domainbert_legal.files import one_line
from domainbert_legal.safe_xml import parse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_ROOTS = {
    "ACT", "ANNEX", "CASE", "CONS.ACT", "CONS.ANNEX", "CONS.DOC", "CONS.LIST", "CORR", "DECISION",
    "GENERAL", "GR.ANNEX", "JUDGMENT", "OPINION", "ORDER", "PROPOSAL", "REPORT", "akomaNtoso",
    "html",
}  # fmt: skip
# Data on the document, pictures, notes at the foot of a page, and tables of figures.
_NOTES = {"NOTE", "authorialNote"}
_LEFT_OUT = _NOTES | {
    "BIB.DATA", "BIB.INSTANCE", "BIB.VOLUME", "FAM.COMP", "IMG.CNT", "INCL.ELEMENT", "INFO.CONSLEG",
    "INFO.PROD", "PAGE.HEADER", "TBL", "TOC",
    "foreign", "img", "meta", "toc",
    "head", "nav", "script", "style",
}  # fmt: skip
_MARKS = {"NO.P", "NO.PARAG", "num"}
_INLINE = {
    "DATE", "FT", "HT", "IE", "QUOT.END", "QUOT.START", "REF.DOC", "REF.DOC.ECR", "REF.DOC.OJ",
    "REF.DOC.SE", "REF.NP.ECR", "LINK", "PREFIX.TITLE",
    "a", "abbr", "b", "bdo", "cite", "date", "def", "docDate", "docNumber", "docTitle", "docType",
    "docProponent", "em", "eol", "entity", "font", "i", "ins", "location", "mod", "mref", "noteRef",
    "organization", "person", "q", "quantity", "quotedText", "ref", "remark", "role", "rref",
    "shortTitle", "small", "span", "strong", "sub", "sup", "term", "u",
}  # fmt: skip
# Units of Akoma Ntoso that have a heading beside their number.
_HEADED = {"article", "book", "chapter", "part", "section", "subsection", "title"}
# What comes with the files of an act and says where they are: it has no text.
_MANIFESTS = {"DOC", "PUBLICATION"}
# Footnotes and their numbers, and the marks of amendments in consolidated texts.
_FOOTNOTE = re.compile(r"\b(?:oj-)?note(?:-tag)?\b|\bmodref\b", re.IGNORECASE)
_LIST_MARK = re.compile(
    r"[(\u2018'\"]*(?:[a-z]{1,3}|[A-Z]|[ivxlc]{1,6}|\d{1,3}[a-z]?)[).]+|[\u2014\u2013\u2022-]"
)
_LONGEST_MARK = 10

# Pieces that are no text, of characters that XML cannot hold: a break, start and end of a mark.
_BREAK, _MARK, _GLUE = "\0", "\1", "\2"


def read_eu_law(path: Path) -> Iterator[Document]:
    """Yield the act, annex or judgment of a file as one document, a paragraph per line.

    Numbers of paragraphs and points stay with their text, as `1. This Regulation …` and
    `(a) …`, and references as `Art. 5(1)(a)` are never cut. Notes, tables of figures, pictures and
    data on the document are left out. In XHTML a table is kept whose rows are points of a list. The
    list of a package's files (`.doc.xml`, `.toc.xml`) is an empty document, which a run counts.

    Args:
        path: An XML or XHTML file, plain or compressed.

    Raises:
        DataError: As of `safe_xml.parse`; the root element is none of the three formats; or there
            is no text.
    """
    root = parse(path, "EUR-Lex")
    name = _name(root)
    stem = re.sub(r"(?:\.fmx4|\.fmx)?\.\w+(?:\.(?:gz|zst|zip))?$", "", path.name)
    if name in _MANIFESTS:
        yield Document(stem, "", path.name)
        return
    if name not in _ROOTS:
        raise DataError(
            f"{path}: not EU law in a known format: its root element is {name[:40]!r}. Expected "
            "Formex 4, Akoma Ntoso or XHTML, as EUR-Lex offers them."
        )
    text = "\n".join(_lines(root))
    if not text:
        raise DataError(f"{path}: {name} without text. Take the file with the act itself.")
    yield Document(stem, text, path.name)


def _lines(root: Any) -> Iterator[str]:
    """Yield the lines of an element; a break inside a mark, or right after it, is a blank."""
    parts: list[str] = []
    marks, glued = 0, False
    for piece in [*_pieces(root), _BREAK]:
        if piece in {_BREAK, _MARK} and not marks and not glued:
            if line := one_line("".join(parts)):
                yield line
            parts = []
        elif piece in {_BREAK, _MARK, _GLUE}:
            parts.append(" ")
        else:
            parts.append(piece)
            glued = glued and not (piece.strip() and not marks)
        marks += (piece == _MARK) - (piece == _GLUE)
        glued = glued or piece == _GLUE
    if line := one_line("".join(parts)):
        yield line


def _pieces(root: Any) -> Iterator[str]:
    # Not recursive: lists may nest deep.
    stack: list[tuple[Any, bool]] = [(root, True)]
    while stack:
        node, entering = stack.pop()
        name = _name(node)
        around = "" if name in _INLINE or name in _NOTES else _BREAK
        mark = _is_mark(node, name)
        if not entering:
            yield _GLUE if mark else around
        elif _is_left_out(node, name):
            yield around
        else:
            # A cell after a mark continues its line.
            yield _MARK if mark else "" if name == "td" else around
            yield node.text or ""
            stack.append((node, False))
            stack.extend((child, True) for child in reversed(node))
            continue
        if node is not root:
            yield node.tail or ""


def _is_mark(node: Any, name: str) -> bool:
    if name in {"td", "p", "div"}:
        return node.getnext() is not None and _is_list_mark(node)
    if name == "num" and _name(node.getparent()) in _HEADED:
        return node.getnext() is not None and _name(node.getnext()) == "heading"
    return name in _MARKS


def _is_left_out(node: Any, name: str) -> bool:
    if name in _LEFT_OUT or not isinstance(node.tag, str):
        return True
    if name == "table":
        return not _is_list(node)
    if name == "a":  # from a number in the text to its footnote
        return (node.get("href") or "").startswith("#ntr")
    return name in {"p", "span", "div"} and bool(_FOOTNOTE.search(node.get("class") or ""))


def _is_list(table: Any) -> bool:
    """Tell whether each row of a table is a point of a list: a mark, and its text."""
    rows = [row for row in table.iter() if _name(row) == "tr" and _table_of(row) is table]
    for row in rows:
        cells = [cell for cell in row if _name(cell) == "td"]
        if len(cells) != 2 or not _is_list_mark(cells[0]):
            return False
    return bool(rows)


def _is_list_mark(node: Any) -> bool:
    """Tell whether the mark of a point is all the text of an element."""
    text = ""
    for part in node.itertext():
        text += part.strip()
        if len(text) > _LONGEST_MARK:
            return False
    return _LIST_MARK.fullmatch(text) is not None


def _table_of(row: Any) -> Any:
    return next(element for element in row.iterancestors() if _name(element) == "table")


def _name(element: Any) -> str:
    """Return the name of an element without its namespace."""
    return str(element.tag).rpartition("}")[2]

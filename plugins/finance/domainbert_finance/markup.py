"""From the HTML and the plain text of filings to paragraphs of prose."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Any

from domainbert import DataError
from domainbert_finance.files import refuse_declarations

if TYPE_CHECKING:
    from collections.abc import Iterator

# Of inline XBRL only the header holds what no reader sees; its other elements enclose prose.
_DROPPED = {"head", "script", "style", "noscript", "ix:header", "ix:hidden"}
_BLOCKS = {
    "address", "blockquote", "body", "br", "center", "dd", "div", "dl", "dt", "form", "h1", "h2",
    "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "table", "td", "th", "tr", "ul",
}  # fmt: skip
_HIDDEN = re.compile(r"display\s*:\s*none", re.IGNORECASE)
_FURNITURE = re.compile(
    r"(?:page\s*)?(?:\d{1,4}|[ivx]{1,5})|[-–—\s]*\d{1,4}[-–—\s]*|table of contents", re.IGNORECASE
)
_RULE = re.compile(r"[\s\-_=*.~]*")
_HTML = re.compile(r"<(?:html|body|div|font|p)[\s>]", re.IGNORECASE)
_PAGE = re.compile(r"\s*<PAGE>\s*\d*\s*", re.IGNORECASE)
_TEXT_MARK = re.compile(r"</?(?:PAGE|CAPTION|S|C|FN|F\d+|B|I|U)>", re.IGNORECASE)
# One row is layout: a heading beside its number, or a bullet beside its text. More is a table.
# A longer row is a page laid out in columns.
_LAYOUT_CHARACTERS = 4000


def looks_like_html(text: str) -> bool:
    """Tell HTML from plain text by its start."""
    return _HTML.search(text[:5000]) is not None


def html_paragraphs(text: str, where: str) -> list[str]:
    """Return the paragraphs of an HTML page as a reader sees them, without its tables.

    Left out are the head, scripts, what is styled `display: none`, the header of inline XBRL, page
    numbers, and every table of more than one row that has text; a table of one such row is layout
    and read as one line. Broken markup is read as a browser would.

    Args:
        text: The page.
        where: File and line, for the message.

    Raises:
        DataError: The page declares entities, is nested too deeply, or holds no element.
    """
    from lxml import etree

    refuse_declarations(text, where)
    parser = etree.HTMLParser(
        encoding="utf-8", no_network=True, huge_tree=True, remove_comments=True, remove_pis=True
    )
    root = etree.fromstring(text.encode("utf-8", "replace"), parser) if text.strip() else None
    fatal = [entry for entry in parser.error_log if entry.level >= etree.ErrorLevels.FATAL]
    # The parser is built to go on after any error, and then returns what came before it.
    if fatal or any(entry.type_name == "ERR_RESOURCE_LIMIT" for entry in parser.error_log):
        said = " ".join(parser.error_log[-1].message.split())
        raise DataError(f"{where}: HTML that cannot be read whole: {said}.")
    if root is None:
        raise DataError(f"{where}: no HTML: the text holds no element.")
    return [line for line in _lines(root) if line and not _FURNITURE.fullmatch(line)]


def _lines(root: Any) -> Iterator[str]:
    """Yield the text between block boundaries, with white space folded."""
    from lxml import etree

    held: list[str] = []
    walk = etree.iterwalk(root, events=("start", "end"))
    for event, element in walk:
        tag = element.tag
        if event == "start":
            whole = _text_instead(element)
            if tag in _BLOCKS or whole is not None:
                yield " ".join("".join(held).split())
                held = []
            if whole is None:
                held.append(element.text or "")
            else:
                walk.skip_subtree()
                yield whole
        else:
            if tag in _BLOCKS:
                yield " ".join("".join(held).split())
                held = []
            held.append(element.tail or "")
    yield " ".join("".join(held).split())


def _text_instead(element: Any) -> str | None:
    """Return what stands for an element with all that is in it, or None to look inside."""
    if element.tag in _DROPPED or _HIDDEN.search(element.get("style", "")):
        return ""
    if element.tag != "table":
        return None
    # Not of tables within it, which are met in their turn.
    rows = element.xpath("tr | tbody/tr | thead/tr | tfoot/tr")
    rows = [row for row in rows if any(piece.strip() for piece in row.itertext())]
    if len(rows) == 1:
        return _short_text(rows[0])
    return "" if rows else None


def _short_text(row: Any) -> str | None:
    """Return a row as one line; None if it is long or holds a table."""
    pieces, size = [], 0
    for piece in row.itertext():
        pieces.append(piece)
        size += len(piece) + 1
        if size > _LAYOUT_CHARACTERS:
            return None
    return None if next(row.iter("table"), None) is not None else " ".join(" ".join(pieces).split())


def text_paragraphs(text: str) -> list[str]:
    """Return the paragraphs of a plain-text filing: blocks between blank lines, each on one line.

    What stands between `<TABLE>` and `</TABLE>` is left out, and so are page marks, page numbers
    and ruled lines. A table that does not end is kept: it is not known how much of it is one.
    """
    paragraphs, block = [], list[str]()
    for line in [*_without_tables(text.split("\n")), ""]:
        bare = " ".join(html.unescape(_TEXT_MARK.sub("", line)).split())
        if bare and not _RULE.fullmatch(bare):
            block.append(bare)
        elif not bare and block:
            paragraphs.append(" ".join(block))
            block = []
    return [line for line in paragraphs if not _FURNITURE.fullmatch(line)]


def _without_tables(lines: list[str]) -> Iterator[str]:
    table: list[str] | None = None
    for line in lines:
        if _PAGE.fullmatch(line):
            continue
        bare = line.strip().upper()
        if table is None and bare.startswith("<TABLE"):
            table = []
        if table is None:
            yield line
        else:
            table.append(line)
        if bare.endswith("</TABLE>"):
            table = None
            yield ""
    yield from table or ()

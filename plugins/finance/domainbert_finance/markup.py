"""From the HTML and the plain text of filings to paragraphs of prose."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
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

    Left out are the head, scripts, elements with `display: none`, the header of inline XBRL, page
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
    return [line for line in _lines(root) if not _FURNITURE.fullmatch(line)]


@dataclass
class _Table:
    """A table as it is being read, or the page around them all.

    Args:
        lines: Its text.
        rows: Its rows that have text.
        size: Characters of text in it, those of tables within it included.
        row_from: `size` where the current row starts.
        nested: Whether it contains a table.
    """

    lines: list[str] = field(default_factory=list)
    rows: int = 0
    size: int = 0
    row_from: int = 0
    nested: bool = False

    def settled(self) -> list[str]:
        """Return its lines, or none of a table with data."""
        if self.rows > 1:
            return []
        layout = self.rows == 1 and not self.nested and self.size <= _LAYOUT_CHARACTERS
        return [" ".join(self.lines)] if layout else self.lines


class _Reader:
    """Gathers text between block boundaries, with white space folded."""

    def __init__(self) -> None:
        # A stack rather than a look inside each table: hostile pages nest thousands.
        self._tables = [_Table()]
        self._held: list[str] = []

    def start(self, tag: str) -> None:
        if tag in _BLOCKS:
            self._end_line()
        if tag == "table":
            self._tables[-1].nested = True
            self._tables.append(_Table())
        elif tag == "tr":
            self._tables[-1].row_from = self._tables[-1].size

    def text(self, text: str | None) -> None:
        if text:
            self._held.append(text)
            self._tables[-1].size += len(text.strip())

    def end(self, tag: str) -> None:
        if tag in _BLOCKS:
            self._end_line()
        if tag == "table":
            table = self._tables.pop()
            self._tables[-1].lines += table.settled()
            self._tables[-1].size += table.size
        elif tag == "tr":
            self._tables[-1].rows += self._tables[-1].size > self._tables[-1].row_from

    def lines(self) -> list[str]:
        self._end_line()
        return self._tables[0].lines

    def _end_line(self) -> None:
        line = " ".join("".join(self._held).split())
        self._held = []
        if line:
            self._tables[-1].lines.append(line)


def _lines(root: Any) -> list[str]:
    from lxml import etree

    reader = _Reader()
    walk = etree.iterwalk(root, events=("start", "end"))
    for event, element in walk:
        dropped = element.tag in _DROPPED or _HIDDEN.search(element.get("style", ""))
        if event == "start" and dropped:
            walk.skip_subtree()
        elif event == "start":
            reader.start(element.tag)
            reader.text(element.text)
        else:
            reader.end("div" if dropped else element.tag)
            reader.text(element.tail)
    return reader.lines()


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

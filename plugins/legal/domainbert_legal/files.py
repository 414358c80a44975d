"""Text of legal files: paragraphs of plain text, and HTML to lines of text."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from domainbert_legal.boilerplate import has_line_numbers, stands_alone

MAX_BYTES = 256 * 1024 * 1024
"""No more than this is held of one file."""

_BLOCKS = frozenset({
    "address", "article", "aside", "author", "blockquote", "br", "center", "dd", "div", "dl", "dt",
    "footer", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "ol", "opinion", "p", "pre",
    "section", "table", "td", "th", "tr", "ul",
})  # fmt: skip
_HIDDEN = frozenset({"head", "script", "style", "title"})


def one_line(text: str) -> str:
    """Return a text with each run of white space as one blank."""
    return " ".join(text.split())


def paragraphs(text: str) -> list[str]:
    """Return the paragraphs of a plain text, each on one line.

    Blank lines and form feeds separate them. A line that the step `legal-boilerplate` takes out
    stands alone, and so do all lines of a text with line numbers: else the step could not see them.
    """
    lines = re.split(r"[\n\f]", text)
    if has_line_numbers(lines):
        return [line for line in map(one_line, lines) if line]
    found: list[str] = []
    block: list[str] = []
    for line in [*map(one_line, lines), ""]:
        alone = stands_alone(line)
        if block and (alone or not line):
            found.append(" ".join(block))
            block = []
        if alone:
            found.append(line)
        elif line:
            block.append(line)
    return found


def html_lines(markup: str) -> list[str]:
    """Return the lines of text of HTML or of XML that HTML can hold; nothing in it is opened."""
    parser = _Lines()
    parser.feed(markup)
    parser.close()
    return parser.finish()


class _Lines(HTMLParser):
    """Collects the text between block elements.

    A head need not be closed, so `body` and block elements end what is hidden.
    """

    # Python reads, since 3.13.6, all up to `</title>` as text of the title.
    RCDATA_CONTENT_ELEMENTS = ()  # type: ignore[misc]

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._lines: list[str] = []
        self._parts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        shown = tag == "body" or tag in _BLOCKS
        self._hidden = 0 if shown else self._hidden + (tag in _HIDDEN)
        self._break(tag)

    def handle_endtag(self, tag: str) -> None:
        self._hidden = max(0, self._hidden - (tag in _HIDDEN))
        self._break(tag)

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self._parts.append(data)

    def finish(self) -> list[str]:
        """Return the lines."""
        self._break("p")
        return self._lines

    def _break(self, tag: str) -> None:
        if tag in _BLOCKS:
            if line := one_line("".join(self._parts)):
                self._lines.append(line)
            self._parts = []

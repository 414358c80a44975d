"""Lines that printers, courts and data bases add to legal texts, and citations cut by lines."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from domainbert import CorpusStep
from domainbert.readers import replacing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from domainbert import Document

_LINE = r"(?mi)^[ \t]*(?:{})[ \t]*(?:\n|\Z)"
_REPORTERS = (
    r"U\.[ ]?S\.(?:[ ]?C\.(?:[ ]?A\.)?)?|S\. ?Ct\.|L\. ?Ed\.(?: ?2d)?|F\. ?(?:2d|3d|4th)"
    r"|F\. ?Supp\.(?: ?[23]d)?|C\. ?F\. ?R\.|Fed\. ?Reg\.|N\. ?[EW]\.(?: ?2d)?|S\. ?[EW]\.(?: ?2d)?"
    r"|A\. ?[23]d|P\. ?[23]d|So\. ?[23]d"
)

_PATTERNS = {
    # First, so that a number that belongs to a citation is not taken for one of a page.
    "broken_citations": (
        re.compile(
            rf"(?m)((?:\b\d{{1,4}}[ ](?:{_REPORTERS}))|§+"
            r"|\b(?:Art(?:icle|s?\.)|[Ss]ections?|Sec\.|[Cc]lauses?|[Pp]aragraphs?|No\.|nos?\.))"
            r"[ \t]*\n[ \t]*(?=(?:§+[ \t]*)?\d)"
        ),
        r"\1 ",
    ),
    "signature_pages": (
        re.compile(
            _LINE.format(
                # In brackets any words. Without them, a note ends soon and a contract has a name.
                r"[\[(*]+[ ]*(?:signature pages?|signatures?) (?:follows?|to)\b(?! be\b)"
                r"[^\n\])]{0,120}[\])*]*\.?"
                r"|(?:signature pages?|signatures?) (?:to )?follows?"
                r"(?: (?:below|overleaf|on (?:the )?(?:next|following|succeeding) pages?))?\.?"
                r"|(?:signature pages?|signatures?) to(?! be\b)(?: the| this| that certain)?"
                r"(?-i:(?: (?:of|and|the|for|to|by|in|on|with|between))*"
                r" [A-Z0-9(&\u2013]\S{0,40}){1,20}"
                r"|[\[(*]*[ ]*(?:the )?(?:remainder|rest|balance) of (?:this |the )?page[^\n]{0,20}"
                r" (?:intentionally )?(?:left )?blank[^\n]{0,80}"
                r"|[\[(*]*[ ]*(?:this )?page (?:is )?(?:intentionally )?left blank[ ]*[\])*]*\.?"
            )
        ),
        "",
    ),
    "docket_stamps": (
        re.compile(
            _LINE.format(
                r"(?:USC[AS]\w{0,4}[ ]+)?(?:case|appeal):?[ ]+(?:no\.?[ ]*)?\d{1,4}[:-][^\n]{3,80}"
                r"(?:filed:?|dktentry|doc(?:ument)?:?)[^\n]{0,120}"
                r"\bp(?:age|g)[ ]?:?[ ]*\d[^\n]{0,60}"
            )
        ),
        "",
    ),
    "source_lines": (
        re.compile(_LINE.format(r"source: [^\n]{2,120}, \S[^\n]{0,20}, \d{1,2}/\d{1,2}/\d{2,4}")),
        "",
    ),
    "journal_headers": (
        re.compile(
            _LINE.format(
                r"[^\n]{0,30}official journal of the european (?:union|communities)[^\n]{0,40}"
                r"|(?:[A-Z]{2}[ ]+)?[LC] ?\d{1,3}/\d{1,4}(?:[ ]+[A-Z]{2})?"
            )
        ),
        "",
    ),
    "page_headers": (
        re.compile(
            _LINE.format(
                r"page[ ]+\d{1,4}(?:[ ]+of[ ]+\d{1,4})?"
                r"|[-\u2013\u2014][ ]*\d{1,4}[ ]*[-\u2013\u2014]"
                r"|\d{1,4}|\d{1,4}[ ]+of[ ]+\d{1,4}|table of contents"
                r"|slip op(?:inion|\.)"
                r"(?:[,:]?(?: (?:at|of|nos?\.?|pages?|pp?\.))*[ ]\d(?:\S{0,30}[\w\])])?){0,3}"
            )
        ),
        "",
    ),
}

# Pleading paper counts its lines from 1 to 25 or 28, and starts again on the next page.
_NUMBERED = re.compile(r"^[ \t]{0,4}(\d{1,2})(?:[ \t]{1,}(?=\S)|[ \t]*$)")
_RUN = 10
"""As many lines with numbers that go up by one are taken for pleading paper."""


def stands_alone(line: str) -> bool:
    """Tell whether a line is one that the step takes out, so that no reader joins it to others."""
    return any(pattern.match(line) for pattern in _WHOLE_LINES)


def has_line_numbers(lines: list[str]) -> bool:
    """Tell whether lines have numbers as on pleading paper, so that no reader joins them."""
    return bool(_counted(_numbers(lines)))


def _apply(documents: Iterable[Document], drops: Any) -> Iterable[Document]:
    return _REPLACE(_unnumbered(documents, drops), drops)


def _unnumbered(documents: Iterable[Document], drops: Any) -> Iterator[Document]:
    """Yield the documents without the line numbers of pleading paper, which are counted."""
    for document in documents:
        lines = document.text.split("\n")
        taken = _counted(_numbers(lines))
        drops["line_numbers"] += len(taken)
        for place in taken:
            lines[place] = _NUMBERED.sub("", lines[place], count=1)
        yield replace(document, text="\n".join(lines)) if taken else document


def _numbers(lines: list[str]) -> list[int]:
    """Return the number at the start of each line, 0 where there is none."""
    return [int(match[1]) if match else 0 for match in map(_NUMBERED.match, lines)]


def _counted(numbers: list[int]) -> list[int]:
    """Return the places of numbers that belong to a run from 1 of at least `_RUN` lines."""
    taken: list[int] = []
    start = 0
    for place in range(1, len(numbers) + 1):
        if place < len(numbers) and numbers[place] == numbers[place - 1] + 1 != 1:
            continue
        if numbers[start] == 1 and place - start >= _RUN:
            taken += range(start, place)
        start = place
    return taken


_REPLACE = replacing(_PATTERNS)
_WHOLE_LINES = [pattern for name, (pattern, _) in _PATTERNS.items() if name != "broken_citations"]

BOILERPLATE = CorpusStep("legal-boilerplate", _apply, apart=True)
"""Takes stamps, headers, signature notes and line numbers out, and joins citations cut by lines.

A citation on one line is never changed: `17 U.S.C. § 107`, `410 U.S. 113 (1973)`, `Art. 5(1)(a)`.
"""

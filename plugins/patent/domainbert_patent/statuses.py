"""Status marks of living claims, such as `(currently amended)`, in the ways that typists have."""

from __future__ import annotations

import re

_WHEN = (
    r"currently|presently|previously|formerly|newly|originally|initially|again|further|also|once|"
    r"twice|thrice|first|second|third|fourth|fifth|[0-9]{1,2}(?:st|nd|rd|th)|not|preliminarily|proposed|"
    r"(?:two|three|four|five|six|several|[0-9]{1,2})[\s-]++times?"
)
_ALONE = (
    r"original|new|withdrawn|re-?presented|rejoined|reinstated|unamended|unchanged|unmodified|"
    r"as[\s-]++(?:(?:originally|previously)[\s-]++)?(?:filed|presented|amended|allowed)|not[\s-]++entered|"
    r"no[\s-]++change|(?:formerly|previously)[\s-]++claims?"
)
# Words that begin texts, too: a mark only where a sentence begins behind it.
_DOUBTFUL = (
    r"pending|allowed|elected|non-?elected|reissued?|rewritten|revised|corrected|re-?entered|"
    r"submitted|amendment"
)
_BEHIND = (
    r"(?:[\s,-]++(?:herein|hereby|above|once|twice|thrice|again|further|claims?|"
    r"(?:two|three|four|five|six|several)(?=[\s-]++times)|times?|in|on|of|this|the|from|consideration|response|reply|amendment|"
    r"(?:jan|feb|mar|apr|may|june?|july?|aug|sep|oct|nov|dec)[a-z]{0,6}\.?|[0-9][0-9/.-]{0,9}))*+"
)
_STATE = (
    rf"(?:(?:(?:{_WHEN})[\s-]*+)*+(?:amended|presented|added|withdrawn)|{_ALONE}|"
    rf"(?:(?:(?:{_WHEN})[\s-]++)*+(?:{_DOUBTFUL})|(?:(?:{_WHEN})[\s-]++)++(?:filed|numbered|entered))"
    r"(?=[^()\[\]{}]{0,60}[)\]}][\s.:,\u2010-\u2015-]*+(?-i:[A-Z])))\b(?!-[^\s\W])"
    rf"{_BEHIND}"
)
_SURE = (
    r"(?:currently|previously|presently|newly)[\s-]++(?:amended|presented|added)\b|"
    r"(?:reinstated|rejoined)\s*+[\u2010-\u2015-]"
)
_STATES = rf"{_STATE}(?:\s*+(?:[,;/\u2010-\u2015-]|\band\b)?+\s*+{_STATE})*+"
MARK = rf"[(\[{{]\s*+(?:{_STATES}\s*+[.,:;]?+\s*+|(?:{_SURE})[^()\[\]{{}}]{{0,60}}+)[)\]}}]"
"""A status mark with its brackets, for a pattern that ignores case."""

_ONE = (
    # A stop is the identifier's own where a blank or a sentence follows, not in `.5%` or `.beta.`.
    rf"\s*+{MARK}"
    r"(?:\s*+[.:,](?=\s)|[:,]|\.(?=(?-i:[A-Z][a-z\s]))|\s*+[\u2010-\u2015-](?=\s++[^\s0-9]))?+\s*+"
)
# A second one may be text, as in `(amended) (new) phone`, unless a sentence begins behind it.
_IDENTIFIER = re.compile(
    rf"{_ONE}(?=\W*+\w)(?:{_ONE}(?=[(\[{{]|(?-i:[A-Z]))){{0,3}}+", re.IGNORECASE
)


def without_status(text: str) -> str:
    """Return the text of a claim without `(currently amended)` and the like at its beginning.

    Args:
        text: Without its number.
    """
    found = _IDENTIFIER.match(text)
    return text[found.end() :] if found is not None else text

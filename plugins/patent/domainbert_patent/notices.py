"""Notices that claims no longer exist, such as `1.-20. (canceled)`, and the status of living ones.

An amended claim begins with its number and a status identifier in brackets (37 CFR 1.121(c)).
A cancelled one has no text; several in a row share one notice. Offices and typists spell it in many
ways, so a notice is read as words: numbers and words that join them, a status, words of the reason.
A claim in which a cancelled thing occurs has other words too, and is no notice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from domainbert_patent.beginnings import without_opening

_GONE = (
    r"no longer pending|lapsed|cancel\w{0,9}|cancl?e?l?ed|deleted|disclaimed|abandoned|"
    r"gestrichen|gelöscht|entfallen|entfällt|supprimée?s?|annulée?s?|retirée?s?"
)
# Of these alone the text may stay: a withdrawn claim is still pending.
_ASIDE = r"withdrawn|not entered|not used|omitted|reserved|vacant|zurückgezogen"
_BETWEEN = r"[\W\d_]*+"
_JOINS = (
    "claims?|the|this|please|nos?(?!\\s+longer)|numbers?|to|through|thru|till|until|including|"
    "inclusive|and|or|all|both|original|pending|"
    "is|are|was|were|be|been|being|have|has|now|hereby|herewith|previously|currently|formerly|"
    "ansprüche|anspruch|patentansprüche|bis|und|revendications?|à|et"
)
_REASONS = (
    "without|with|prejudice|disclaimer|or|and|thereto|thereof|therein|herein|hereby|herewith|by|in|"
    "this|the|to|of|an?|claims?|preliminary|examiner|s|applicants?|amendments?|application|reply|"
    "response|filed|on|dated|mailed|office|action|favou?r|new|"
    "jan|feb|mar|apr|may|jun|jul|aug|sept?|oct|nov|dec|january|february|march|april|june|july|august|"
    "september|october|november|december|subject|matter|as|per|drawn|non|nonelected|elected|election|"
    "its|their|entirety|all|now|restriction|requirement|previously|not|entered|withdrawn|from|consideration"
)
_HEAD = re.compile(rf"{_BETWEEN}(?:(?:{_JOINS})\b{_BETWEEN})*+", re.IGNORECASE)
_STATUS = re.compile(rf"(?P<gone>{_GONE})\b|(?:{_ASIDE})\b", re.IGNORECASE)
_REASON = rf"(?:{_BETWEEN}(?:{_REASONS}|{_GONE})\b)*+"
_ALL_REASON = re.compile(rf"{_REASON}{_BETWEEN}", re.IGNORECASE)
_TO_BRACKET = re.compile(
    rf"(?:(?:[^\w()\[\]{{}}]|[\d_])*+(?:{_REASONS}|{_GONE})\b)*+\W*?[)\]}}]++[\s.,;:]*+",
    re.IGNORECASE,
)
_BRACKET = re.compile(r"[^()\[\]{}]{0,200}+[)\]}]++[\s.,;:]*+")
_NUMBER = r"(?<![0-9])0*([0-9]{1,4})(?![0-9])"
# `1-20. Canceled. 21. A pump.`: the end of the notice, and the number of the next claim.
_TO_STOP = re.compile(
    rf"(?:[^\w.]*+(?:{_REASONS}|{_GONE})\b)*+\s*+\.\s++(?=[0-9]{{1,4}}\s*+[.)])", re.IGNORECASE
)
_NAMED_BEHIND = re.compile(
    # Not `in favor of new claims 21-30`, which live.
    rf"(?<!favor of )(?<!favour of )(?<!new )\bclaims?\b({_BETWEEN}"
    rf"(?:(?:to|through|thru|until|and|bis|et)\b{_BETWEEN})*+)",
    re.IGNORECASE,
)
_NEXT = re.compile(r"[0-9]{1,4}\s*+(?:[.)\]:,&~\u2010-\u2015-]|(?:to|through|thru|and)\b)")
# `(canceled) 21 A pump`, `(cancelled) (5) A pump`: no stop behind the number.
_UNSTOPPED = re.compile(
    r"(?:[(\[]\s*+([0-9]{1,4})\s*+[)\]][.:]?+|([0-9]{1,4})(?=\s++(?-i:[A-Z])))\s*+", re.IGNORECASE
)
_RANGE = re.compile(
    rf"{_NUMBER}\W{{0,4}}(?:[-\u2010-\u2015\u2212~\u2026]|\.(?:\s?\.)+|"
    rf"\b(?:to|through(?:\s+and\s+including)?|thru|till|until|bis|à)\b)\W{{0,4}}(?:claims?\W{{1,2}})?"
    rf"{_NUMBER}|{_NUMBER}",
    re.IGNORECASE,
)
# `The (canceled) flag reader`: the word before the bracket goes with the text behind it.
_OF_TEXT = re.compile(r"\b(?:the|this|all|both|original|pending)\s*+[(\[{]\s*+\Z", re.IGNORECASE)
# Wide forms, each as the sign that it stands for; a soft hyphen is no sign.
_FOLDED = {0xFF01 + n: 0x21 + n for n in range(0x5E)}
_SOFT_HYPHEN = "\u00ad"
_MOST = 2_000
# Characters behind a status that may all be its reason; many notices in one text cost no more.
_LONGEST_REASON = 2_000

_STATES = (
    r"(?:(?:currently|previously|newly|once|twice|thrice|further)\s+)?(?:amended|presented|added)"
    r"(?:\s+(?:once|twice|thrice|(?:two|three|four|five|[2-9])\s+times))?|original|"
    r"as filed|reissued?|new|withdrawn|re-?presented|rejoined|reinstated|unamended|unchanged|"
    r"not entered"
)
_IDENTIFIER = re.compile(
    rf"\s*+[(\[]\s*+(?:{_STATES})(?:\s*+(?:[,;/\u2010-\u2015-]|\band\b)?+\s*+(?:{_STATES}))*+\s*+\.?\s*+[)\]]"
    # A stop is the identifier's own where a blank or a sentence follows, not in `.5%` or `.beta.`.
    r"(?:\s*+[.:,](?=\s)|[:,]|\.(?=(?-i:[A-Z][a-z\s]))|\s*+[\u2010-\u2015-](?=\s++[^\s0-9]))?+"
    r"\s*+(?=\W*+\w)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Notice:
    """What a notice says.

    Args:
        numbers: Of the claims that it names, ascending; empty where it names none.
        rest: What follows it, the next claim or notice with its number; mostly empty.
    """

    numbers: tuple[int, ...]
    rest: str = ""


def read_notice(text: str) -> Notice | None:
    """Return the notice with which a claim's text begins, or None for the text of a claim.

    Args:
        text: Of one claim, with its number; wide forms and soft hyphens in the notice do not count.
    """
    if text.isascii():  # nearly all are
        return _read_notice(text)
    folded = text.replace(_SOFT_HYPHEN, "").translate(_FOLDED)
    notice = _read_notice(folded)
    if notice is None or folded == text or not folded.endswith(notice.rest):
        return notice
    # What follows is as it was.
    places = [place for place, sign in enumerate(text) if sign != _SOFT_HYPHEN]
    start = len(folded) - len(notice.rest)
    return Notice(notice.numbers, text[places[start] :] if notice.rest else "")


def _read_notice(text: str) -> Notice | None:
    head = _HEAD.match(text)
    status = _STATUS.match(text, head.end()) if head is not None else None
    if head is None or status is None:
        return None
    numbers, bracket = claim_numbers(head[0]), head[0].rstrip().endswith(("(", "[", "{"))
    plain = _TO_BRACKET.match(text, status.end()) if bracket else _TO_STOP.match(text, status.end())
    behind_it = _next_claim(text[plain.end() :], numbers) if numbers and plain is not None else ""
    if behind_it:
        return Notice(numbers, behind_it)
    short = len(text) - status.end() <= _LONGEST_REASON
    if short and _ALL_REASON.fullmatch(text, status.end()):
        behind = _NAMED_BEHIND.search(text, status.end())
        return Notice(numbers or (claim_numbers(behind[1]) if behind is not None else ()))
    whole = _BRACKET.match(text, status.end()) if bracket else None
    if whole is not None and whole.end() == len(text):
        return Notice(numbers)
    if not (bracket and plain and status["gone"] and numbers) or _OF_TEXT.search(head[0]):
        return None
    # Text behind the identifier of one claim is its own and gone; several claims share no text.
    return Notice(numbers, "" if len(numbers) == 1 else without_opening(text[plain.end() :]))


def _next_claim(text: str, numbers: tuple[int, ...]) -> str:
    """Return what is behind a notice, if it begins with the number of a claim, else nothing."""
    text = without_opening(text)
    if _NEXT.match(text):
        return text
    found = _UNSTOPPED.match(text)
    if found is None or int(found[1] or found[2]) != max(numbers) + 1:
        return ""
    return f"{max(numbers) + 1}. {text[found.end() :]}"


def claim_numbers(text: str) -> tuple[int, ...]:
    """Return the numbers that a list such as `1.-3., 5 and 7 to 9.` names, ascending.

    Args:
        text: Numbers and what joins them.
    """
    found: set[int] = set()
    for first, last, single in _RANGE.findall(text):
        low, high = int(first or single), int(last or single)
        found |= set(range(low, high + 1)) if 0 <= high - low < _MOST else {low, high}
    return tuple(sorted(found))


def without_status(text: str) -> str:
    """Return the text of a claim without `(currently amended)` and the like at its beginning.

    Args:
        text: Without its number.
    """
    found = _IDENTIFIER.match(text)
    return text[found.end() :] if found is not None else text

"""Notices that claims no longer exist, such as `1.-20. (canceled)`, and the status of living ones.

An amended claim begins with its number and a status identifier in brackets (37 CFR 1.121(c)).
A cancelled one has no text; several in a row share one notice. Offices and typists spell it in many
ways, so a notice is read as words: numbers and words that join them, a status, words of the reason.
A claim in which a cancelled thing occurs has other words too, and is no notice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from domainbert_patent.beginnings import STOPPED, without_opening

_GONE = (
    r"cancel\w{0,9}|cancl?e?l?ed|cancl?d|canc\.?(?=\s*+[)\]}])|can-\s*+cell?ed|ca[cn]ell?ed|deleted|"
    r"disclaimed|abandoned|lapsed|no\s++longer\s++(?:pending|in\s++force|claimed|present(?:ed)?)|"
    r"gestrichen|gelöscht|entfallen|weggefallen|entfällt|supprimée?s?|annulée?s?|retirée?s?|"
    r"abandonnée?s?"
)
# Of these alone the text may stay: a withdrawn claim is still pending.
_ASIDE = (
    r"withdrawn|not\s++(?:entered|used|pending|present|elected|in\s++force|assigned)|omitted|"
    r"reserved|vacant|blank|void(?:ed)?|removed|replaced|superseded|eliminated|expired|stricken|"
    r"zurückgezogen"
)
_BETWEEN = r"[\W\d_]*+"
# Words that say of the claims before them what they are.
_VERBS = "is|are|was|were|be|been|being|have|has|had|having|hereby|herewith"
_JOINS = (
    rf"{_VERBS}|claims?|the|this|please|nos?(?!\s++longer)|numbers?|to|through|thru|till|until|up|from|"
    "inclusive|including|incl|and|or|all|both|original|pending|now|previously|currently|formerly|"
    "since|already|subsequently|voluntarily|intentionally|left|group|set|of|status|applicants?|amended|presented|added|new|"
    "ansprüche|anspruch|patentansprüche|bis|und|revendications?|à|et"
)
_REASONS = (
    "without|with|prejudice|disclaimer|or|and|thereto|thereof|therein|herein|hereby|herewith|by|in|"
    "this|the|to|of|an?|claims?|preliminary|examiner|s|applicants?|amendments?|application|reply|"
    "response|filed|on|dated|subject|matter|as|per|drawn|non|nonelected|elected|election|"
    "its|their|entirety|all|now|restriction|requirement|previously|not|entered|withdrawn|from|"
    "consideration|favou?r|new|lieu|view|replaced|through|thru|office|action|mailed|pursuant|rule|"
    "paper|nos?|see|jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec|january|february|march|april|"
    "august|september|october|november|december"
)
_HEAD = re.compile(rf"{_BETWEEN}(?:(?:{_JOINS})\b{_BETWEEN})*+", re.IGNORECASE)
_STATUS = re.compile(rf"(?P<gone>{_GONE})(?!\w)|(?:{_ASIDE})\b", re.IGNORECASE)
_REASON = rf"(?:{_BETWEEN}(?:{_REASONS}|{_GONE})\b)*+"
_ALL_REASON = re.compile(rf"{_REASON}{_BETWEEN}", re.IGNORECASE)
_TO_BRACKET = re.compile(
    rf"(?:(?:[^\w()\[\]{{}}]|[\d_])*+(?:{_REASONS}|{_GONE})\b)*+\W*?[)\]}}]++[\s.,;:]*+",
    re.IGNORECASE,
)
# Another bracket may be in it.
_BRACKET = re.compile(r"(?:[^()\[\]{}]|[(\[{][^()\[\]{}]{0,50}+[)\]}]){0,200}+[)\]}]++[\s.,;:]*+")
_OPEN = re.compile(r"[(\[{](?=[^()\[\]{}]*+\Z)")
# `The` in `1. The (canceled) flag reader` begins a text, `are` in `1-3 are (canceled)` does not.
_OF_TEXT = re.compile(
    rf"(?!(?:{_VERBS}|claims?|inclusive|incl)\b)(?<![^\W\d_])[^\W\d_]", re.IGNORECASE
)
_LAST_DIGIT = re.compile(r"[0-9](?=[^0-9]*+\Z)")
_NUMBER = r"(?<![0-9])0*([0-9]{1,4})(?![0-9])"
# `1-20. Canceled. 21. A pump.`: the end of the notice, and the number of the next claim.
_TO_STOP = re.compile(
    rf"(?:[^\w.]*+(?:{_REASONS}|{_GONE})\b)*+\s*+[.;]\s++(?=[0-9]{{1,4}}\s*+[.)])", re.IGNORECASE
)
# `Claims 1-20 were`, `this claim was`: of a sentence whose reason may have any words.
_SENTENCE = re.compile(
    rf"\b(?:this\s++claim|claims?\W++[0-9])(?:.*[\W\d_])?(?:{_VERBS})\b\W*+\Z", re.IGNORECASE
)
_WHY = re.compile(
    r"[\s,]*+(?:by|in|on|via|per|as|at|for|from|with|within|without|because|since|due|following|"
    r"pursuant|under|upon|after|during|when|to|through)\b",
    re.IGNORECASE,
)
# Where a claim may begin behind the words of a reason.
_BEGINS = re.compile(
    r"[.;)\]]\s++(?=([0-9]{1,4})\s*+[.)\]:](?![0-9])|An?\s)|\s(?=([0-9]{1,4})\s*+\.\s++[A-Z])"
)
# `Canceled claims: 1 and 3`, but not `Canceled in favor of claims 21-30`.
_NAMED_BEHIND = re.compile(
    rf"(?:{_BETWEEN}(?:the|all|of|said|original|pending|following|without|prejudice)\b)*+{_BETWEEN}"
    rf"claims?\b({_BETWEEN}(?:(?:to|through|thru|until|and|bis|et)\b{_BETWEEN})*+)",
    re.IGNORECASE,
)
_NEXT = re.compile(
    r"[0-9]{1,4}\s*+(?:[)\]:]|\.(?![0-9])|[,&~\u2010-\u2015-]\s*+[0-9]|(?:to|through|thru|and)\b)"
)
_AND = re.compile(r"\A\s*+and\s++(?=[0-9])", re.IGNORECASE)
# `(canceled) 21 A pump`, `(cancelled) (5) A pump`: no stop behind the number.
_UNSTOPPED = re.compile(
    r"(?:[(\[]\s*+([0-9]{1,4})\s*+[)\]][.:]?+|([0-9]{1,4})(?=\s++(?-i:[A-Z])))\s*+", re.IGNORECASE
)
_TO = (
    r"\W{0,4}(?:\bup\s++)?(?:[-\u2010-\u2015~\u2026\u2192]|\.(?:\s*+\.)++|"
    r"\b(?:to|through|thru|till|until|bis|à)\b)(?:\s++and\s++including\b)?"
    r"\W{0,4}(?:\b(?:claims?|nos?|numbers?|anspruch|revendication)\b\W{0,3}){0,2}"
)
_RANGE = re.compile(rf"{_NUMBER}{_TO}{_NUMBER}|{_NUMBER}", re.IGNORECASE)
# `1/20` alone is a range, and `1/3/5` a list.
_SLASHED = re.compile(rf"[^0-9/]*+{_NUMBER}[\s.]*+/\s*+{_NUMBER}[^0-9/]*+")
_MOST = 2_000
# Characters behind a status that may all be its reason; many notices in one text cost no more.
_LONGEST_REASON, _LONGEST_SENTENCE = 2_000, 400


@dataclass(frozen=True)
class Notice:
    """What a notice says.

    Args:
        numbers: Of the claims that it names, ascending; empty where it names none.
        rest: What follows it, the next claim or notice; mostly empty.
        lead: The number of what follows, where it stands there without a stop, with one.
    """

    numbers: tuple[int, ...]
    rest: str = ""
    lead: str = ""


def read_notice(text: str) -> Notice | None:
    """Return the notice with which a claim's text begins, or None for the text of a claim.

    Args:
        text: Of one claim, with its number, folded.
    """
    if (head := _HEAD.match(text)) is None or (status := _STATUS.match(text, head.end())) is None:
        return None
    numbers, bracket = claim_numbers(head[0]), _OPEN.search(head[0])
    gone = status["gone"] is not None
    of_text = bracket is not None and _is_of_text(head[0][: bracket.start()])
    end = _end(text, status.end(), numbers, (bracket is not None, gone))
    alone, found = len(numbers) == 1, None
    if numbers and end and not (of_text and alone):
        found = _next_claim(text[end:], numbers)
    if found := found or _whole(text, status.end(), numbers, bracket is not None):
        return found
    if bracket is None:
        return _read_sentence(text, head[0], status.end(), numbers) if gone else None
    rest = without_opening(text[end:])
    if not (end and gone and numbers) or (of_text and (alone or not rest[:1].isupper())):
        return None
    # Text behind the identifier of one claim is its own and gone; several claims share no text.
    return Notice(numbers, "" if alone else rest)


def _whole(text: str, start: int, numbers: tuple[int, ...], bracket: bool) -> Notice | None:
    """Return the notice where nothing but a reason is behind its status, which ends at `start`."""
    if len(text) - start <= _LONGEST_REASON and _ALL_REASON.fullmatch(text, start):
        behind = _NAMED_BEHIND.match(text, start)
        return Notice(numbers or (claim_numbers(behind[1]) if behind is not None else ()))
    closed = _BRACKET.match(text, start) if bracket else None
    return Notice(numbers) if closed is not None and closed.end() == len(text) else None


def _is_of_text(head: str) -> bool:
    """Tell whether words behind the numbers belong to a text rather than to the numbers."""
    digit = _LAST_DIGIT.search(head)
    return _OF_TEXT.search(head, digit.end() if digit is not None else 0) is not None


def _end(text: str, start: int, numbers: tuple[int, ...], known: tuple[bool, bool]) -> int:
    """Return where a notice ends, from behind its status on; 0 where its words do not tell."""
    bracket, gone = known
    found = (_TO_BRACKET if bracket else _TO_STOP).match(text, start)
    if found is None and bracket and gone and (whole := _BRACKET.match(text, start)):
        # Its reason may have any words where several claims, or the next one, show what it is.
        after = STOPPED.match(text, whole.end())
        follows = after is not None and int(after[1] or after[2]) == max(numbers, default=0) + 1
        found = whole if len(numbers) > 1 or follows else None
    return found.end() if found is not None else 0


def _read_sentence(text: str, head: str, start: int, numbers: tuple[int, ...]) -> Notice | None:
    """Return the notice of a sentence such as `Claims 1-20 were canceled in the reply of May 3`."""
    short = len(head) <= _LONGEST_SENTENCE
    stated = numbers and (len(numbers) > 1 or (short and _SENTENCE.search(head)))
    if not stated or _WHY.match(text, start) is None:
        return None
    for found in _BEGINS.finditer(text, start, start + _LONGEST_SENTENCE):
        number = found[1] or found[2]
        if number is None or int(number) == max(numbers) + 1:
            return Notice(numbers, text[found.end() :])
    return Notice(numbers) if len(text) - start <= _LONGEST_SENTENCE else None


def _next_claim(text: str, numbers: tuple[int, ...]) -> Notice | None:
    """Return the notice before a text that begins with the number of a claim."""
    text = without_opening(_AND.sub("", text, count=1))
    if _NEXT.match(text):
        return Notice(numbers, text)
    found = _UNSTOPPED.match(text)
    if found is None or int(found[1] or found[2]) != max(numbers) + 1:
        return None
    return Notice(numbers, text[found.end() :], f"{max(numbers) + 1}. ")


def claim_numbers(text: str) -> tuple[int, ...]:
    """Return the numbers that a list such as `1.-3., 5 and 7 to 9.` names, ascending.

    Args:
        text: Numbers and what joins them.
    """
    found: set[int] = set()
    slashed = _SLASHED.fullmatch(text)
    named = [(slashed[1], slashed[2], "")] if slashed is not None else _RANGE.findall(text)
    for first, last, single in named:
        low, high = int(first or single), int(last or single)
        found |= set(range(low, high + 1)) if 0 <= high - low < _MOST else {low, high}
    return tuple(sorted(found))

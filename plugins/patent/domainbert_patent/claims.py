"""From claims as published to claims in force: without numbers and notices, the text unchanged.

A number is taken off where it is the claim's own: the number that the file gives apart, the place
of the claim, the next one after the claim before, or a later one in a file whose claims are
numbered.
Any other number at the beginning is text, as in `3D printer` or `1,2-dichloroethane`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from operator import or_
from typing import TYPE_CHECKING

from domainbert_patent.beginnings import ANY_STOP, STOPPED, without_opening
from domainbert_patent.folded import end_of, folded
from domainbert_patent.notices import claim_numbers, read_notice
from domainbert_patent.statuses import without_status

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# In a file whose claims all begin so: `1 A pump`, `1A pump`.
_BARE = re.compile(r"\s*+([0-9]{1,4})(?:\s++|(?=[A-Z]))")
_MOST_NOTICES = 2_000
# Marks of a reissue may stand before the number.
_START = re.compile(r"(?:\.\[\.\s*+|\.Iadd\.\s*+)*+[0-9]{1,4}\s*\.(?![0-9])", re.IGNORECASE)
_DOTTED = re.compile(r"\s*[0-9]{1,4}\s*[.\uff0e]")
_ARTICLE = re.compile(r"(?:An?|The)\s")
_NO_TEXT = re.compile(r"[\W_]*+(?:claims?)?+[\W\d_]*+", re.IGNORECASE)


@dataclass(frozen=True)
class Claims:
    """The claims of a patent.

    Args:
        texts: Of those in force, without numbers.
        cancelled: How many the file says are cancelled, withdrawn without text, or deleted.
        empty: How many have a number and no text.
    """

    texts: tuple[str, ...] = ()
    cancelled: int = 0
    empty: int = 0


def clean_claims(published: Iterable[tuple[str, str]], *, deletes: bool = False) -> Claims:
    """Return the claims in force, and how many there are without text.

    Args:
        published: Number as the file gives it apart from the text, such as `00001-00020` or
            `CLM-00003`, or nothing; and the text of each claim, in the order of the file.
        deletes: Whether the file marks deleted text, as a reissue: a claim of which nothing is left
            is a deleted one.
    """
    living: list[_Claim] = []
    # Numbers of claims so far: those that are gone, and those with which others begin.
    gone: set[int] = set()
    seen: set[int] = set()
    unnumbered = empty = last = 0
    for place, (name, published_text) in enumerate(published, 1):
        named = claim_numbers(folded(name))
        numbers, without, text, as_published = _after_notices(published_text, named)
        gone |= numbers
        seen |= numbers
        unnumbered += without
        last = max((last, *numbers, place * (without > 0)))
        if not _NO_TEXT.fullmatch(text):
            expected = frozenset({place, last + 1, *named[:1]})
            living.append(_Claim(text, as_published, expected, _stopped(text, expected, seen)))
            own = living[-1].printed
        else:
            own = next(iter(claim_numbers(text)), 0)
            lost = not numbers and not without
            unnumbered, empty = unnumbered + (lost and deletes), empty + (lost and not deletes)
        seen.add(own)
        last = max(last, own)
    return Claims(_without_numbers(living), len(gone) + unnumbered, empty)


def _after_notices(published: str, named: tuple[int, ...]) -> tuple[set[int], int, str, str]:
    """Return numbers of claims that are gone, how many have none, and the claim behind them.

    The claim is given folded and as published.
    """
    gone: set[int] = set()
    without, lead = 0, ""
    text = rest = without_opening(folded(published))
    for _ in range(_MOST_NOTICES):
        if (notice := read_notice(text)) is None:
            break
        numbers = notice.numbers or named
        gone.update(numbers)
        without, rest, lead = without + (not numbers), notice.rest, notice.lead
        text = lead + rest
    return gone, without, text, lead + end_of(published, len(rest))


def _stopped(text: str, expected: frozenset[int], seen: set[int]) -> int:
    """Return the number with a stop at a claim's beginning; 0 without, or where another has it."""
    found = STOPPED.match(text)
    number = int(found[1] or found[2]) if found is not None else 0
    return number if number in expected or number not in seen else 0


def joined(paragraphs: Iterable[str]) -> list[str]:
    """Return claims of which the file has only paragraphs: a number and a stop begin one.

    Args:
        paragraphs: As published, not empty. Without a number at the first, each is a claim.
    """
    claims: list[str] = []
    numbered = False
    for paragraph in paragraphs:
        starts = _START.match(folded(paragraph)) is not None
        numbered = numbered or (starts and not claims)
        if starts or not numbered:
            claims.append(paragraph)
        else:
            claims[-1] += " " + paragraph
    return claims


@dataclass(frozen=True)
class _Claim:
    """A claim in force.

    Args:
        text: With its number, folded.
        published: The same, not folded.
        expected: Numbers that can only be its own.
        stopped: The number with a stop at its beginning; 0 without, or where it can be no claim's.
    """

    text: str
    published: str
    expected: frozenset[int]
    stopped: int

    @property
    def close(self) -> bool:
        """Whether its own number and a stop are at its beginning, a digit close behind or not."""
        found = ANY_STOP.match(self.text)
        return found is not None and int(found[1]) in self.expected

    @property
    def bare(self) -> bool:
        """Whether it begins with its own number, no stop behind."""
        found = _BARE.match(self.text)
        return found is not None and int(found[1]) in self.expected

    @property
    def printed(self) -> int:
        """The number with which it begins, or 0 if there is none that can be its own."""
        found = _BARE.match(self.text)
        return self.stopped or (int(found[1]) if found is not None and self.bare else 0)


def _without_numbers(claims: Sequence[_Claim]) -> tuple[str, ...]:
    """Return texts without their numbers; how most of them begin says if a doubtful one is one."""
    stopped = [claim.stopped > 0 for claim in claims]
    numbered = any(stopped) and sum(map(or_, stopped, (c.close for c in claims))) > len(claims) / 2
    bare = all(claim.bare for claim in claims) and (
        len(claims) > 1 or any(_ARTICLE.match(_BARE.sub("", c.text, count=1)) for c in claims)
    )
    bodies = (_body(claim, numbered, bare, len(claims) > 1) for claim in claims)
    left = zip(claims, map(without_status, bodies), strict=True)
    return tuple(end_of(claim.published, len(body)).strip() for claim, body in left)


def _body(claim: _Claim, numbered: bool, bare: bool, several: bool) -> str:
    """Return the folded text of a claim without its number."""
    pattern = STOPPED if claim.stopped else _BARE if bare else ANY_STOP
    found = pattern.match(claim.text)
    if found is None:
        return claim.text
    if claim.stopped:
        # `(1)` and `1)` may be a step of an unnumbered claim.
        dotted, expected = _DOTTED.match(claim.text) is not None, claim.stopped in claim.expected
        own = (expected and (dotted or numbered)) or (numbered and (dotted or several))
    else:
        own = bare or (numbered and claim.close)
    return claim.text[found.end() :] if own else claim.text

"""Find the items of an annual report (10-K) in its paragraphs, and read reports item by item."""

from __future__ import annotations

import json
import re
import warnings
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from domainbert import DataError, Document
from domainbert.readers import decode_western, read_bytes
from domainbert_finance.files import MAX_BYTES
from domainbert_finance.submission import read_parts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

# `Item 7A. Quantitative ...`, also with a part before it, as `Items 1 and 2.`, `Item 9A(T)`,
# `Item II.` and `Item Seven`; not `Item 2.02`, which is of another form, and not a sentence that
# refers to an item. Blanks are bounded, since a long run of them would be tried in all parts.
_WORDS = (
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve", "thirteen", "fourteen", "fifteen", "sixteen",
)  # fmt: skip
_ROMAN = (
    "i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii", "xiii", "xiv", "xv",
    "xvi",
)  # fmt: skip
_SPELT = {said: str(n) for names in (_WORDS, _ROMAN) for n, said in enumerate(names, 1)}
_ANY_SPELT = "|".join(sorted(_SPELT, key=len, reverse=True))
_HEADING = re.compile(
    # Styles of single letters leave blanks within the word, as in `I tem 1`.
    r"[*#\u2022\u25cf\u25aa\u00b7\s(\[\"\u201c\u2018'\u00a7]*(?:PART\s+(?:IV|I{1,3})[\s.,:\u2013\u2014-]+)?"
    r"I\s?T\s?E\s?M\s?S?(?:\s{1,9}NOS?\.?|\s{1,9}NUMBER)?"
    rf"(?:\s{{0,9}}#?\s{{0,9}}(1[0-6]|[1-9])|\s{{1,9}}({_ANY_SPELT})(?=\W|$))"
    r"\s?([ABC]?)(?!\w|\.\d)(?:\(T\))?([\s.:|)\]\u2022\u00b7\u2013\u2014-]*)",
    re.IGNORECASE,
)
# `Items 1 and 2`, `Item 7 & 7A`, `Items 10 through 14`, `Items 10-14`.
_SEVERAL = re.compile(
    r"(?:(?:and|&|,|/|to|through|thru)\s*(?:item\s+)?|(?<=[\u2013\u2014-])\s*)[0-9]{1,2}[ABC]?\b",
    re.IGNORECASE,
)
# A title in small letters, which a style sheet shows as capitals, and not the rest of a sentence.
_SMALL = re.compile(r"(?!(?:above|and|as|below|for|in|is|of|on|or|this|to)\b)[a-z][^.;]{0,79}")
_PART = re.compile(r"PART\s+(?:IV|I{1,3})\W*", re.IGNORECASE)
_JSON_ITEM = re.compile(r"item_(\d{1,2}[A-C]?)")


# Cover and contents of three real reports are 4 to 5 % of their characters.
_MUCH = 0.25


@dataclass(frozen=True)
class Item:
    """One item of a report.

    Args:
        name: Number and letter, such as `7A`.
        paragraphs: Its heading and its text.
    """

    name: str
    paragraphs: tuple[str, ...]


@dataclass(frozen=True)
class _Heading:
    """A paragraph that reads like the heading of an item."""

    place: int
    rank: int
    name: str
    weight: int


def read_10k(path: Path) -> Iterator[Document]:
    """Yield one document for each item of an annual report.

    A report is an HTML page as filed (inline XBRL or older), a submission, of which the documents
    of type `10-K` and its variants are read, or a JSON object with the texts `item_1`, `item_1A`
    and so on, as EDGAR-CORPUS has them (empty ones are left out). A report without a heading of an
    item is one document, with a warning. What precedes the first item, the cover and the table of
    contents, is left out, with a warning if it is much, and so are tables.

    Args:
        path: An `.htm`, `.html`, `.txt` or `.json` file, plain or `.gz`.

    Raises:
        DataError: A submission has no 10-K, a JSON file is not such an object, or
            as of `read_submission`.
    """
    if path.name.lower().removesuffix(".gz").endswith(".json"):
        yield from _extracted(path)
        return
    types = []
    for part in read_parts(path):
        types.append(part.type)
        if part.type != "page" and not part.type.upper().startswith("10-K"):
            continue
        types = []
        paragraphs = list(part.paragraphs(path))
        found = items_of(paragraphs)
        whole = sum(map(len, paragraphs))
        before = whole - sum(len(text) for item in found for text in item.paragraphs)
        if found and before > _MUCH * whole:
            warnings.warn(
                f"{path}:{part.line}: {before:,} of {whole:,} characters stand before the first "
                "heading of an item and are left out.",
                stacklevel=2,
            )
        if not found:
            warnings.warn(
                f"{path}:{part.line}: no item of an annual report found: no paragraph reads like "
                "`Item 1. Business`, so it is one document. Read other forms with the corpus "
                "`edgar-submission`.",
                stacklevel=2,
            )
            name = f"{part.accession}#{part.number}:whole"
            yield Document(name, "\n".join(paragraphs), f"{path.name}#whole")
        for item in found:
            name = f"{part.accession}#{part.number}:item-{item.name}"
            yield Document(name, "\n".join(item.paragraphs), f"{path.name}#item-{item.name}")
    if types:
        raise DataError(
            f"{path}: no 10-K among its documents ({', '.join(types)}). Read other forms with the "
            "corpus `edgar-submission`."
        )


def items_of(paragraphs: Sequence[str]) -> list[Item]:
    """Return the items of a report, in order.

    A table of contents and a cross-reference have headings too. Of all headings those are taken
    that ascend from item to item and have the most text between each and the next heading of any
    kind: in a table of contents there is next to none. A heading that repeats the one before it, as
    at the top of a page, starts nothing. Headings of parts (`PART II`) are left out.
    """
    paragraphs = [text for text in paragraphs if not _PART.fullmatch(text)]
    chain = _heaviest_ascent(_headings(paragraphs))
    places = [*(heading.place for heading in chain), len(paragraphs)]
    return [
        Item(heading.name, tuple(paragraphs[start:end]))
        for heading, (start, end) in zip(chain, pairwise(places), strict=True)
    ]


def _headings(paragraphs: Sequence[str]) -> list[_Heading]:
    found: list[tuple[int, str]] = []
    for place, text in enumerate(paragraphs):
        name = _heading(text)
        if name and not (found and found[-1][1] == name):
            found.append((place, name))
    return [
        _Heading(place, _rank(name), name, sum(map(len, paragraphs[place:end])))
        for (place, name), (end, _) in pairwise([*found, (len(paragraphs), "")])
    ]


def _heading(text: str) -> str | None:
    """Return the item that a paragraph is the heading of, if it is one."""
    match = _HEADING.match(text)
    if match is None:
        return None
    rest = text[match.end() :]
    # After a heading's number comes a title, not the rest of a sentence.
    if rest and not (
        rest[0].isupper()
        or rest[0] in "[(\"'“‘"
        or _SEVERAL.match(text, match.end())
        or (match[4].strip() and _SMALL.fullmatch(rest))
    ):
        return None
    return (match[1] or _SPELT[match[2].lower()]) + match[3].upper()


def _rank(name: str) -> int:
    number = name.rstrip("ABC")
    return int(number) * 4 + " ABC".index(name[len(number) :] or " ")


def _heaviest_ascent(headings: Sequence[_Heading]) -> list[_Heading]:
    """Return the headings of strictly ascending rank whose weights have the greatest sum."""
    # By rank: the greatest sum of a chain that ends there, and its last link.
    best: dict[int, tuple[int, int]] = {}
    previous: list[int | None] = []
    for index, heading in enumerate(headings):
        below = [value for rank, value in best.items() if rank < heading.rank]
        weight, link = max(below, default=(0, None))
        previous.append(link)
        if weight + heading.weight > best.get(heading.rank, (0, 0))[0]:
            best[heading.rank] = (weight + heading.weight, index)
    at = max(best.values(), default=(0, None))[1]
    chain: list[_Heading] = []
    while at is not None:
        chain.append(headings[at])
        at = previous[at]
    return chain[::-1]


def _extracted(path: Path) -> Iterator[Document]:
    try:
        record = json.loads(decode_western(read_bytes(path, MAX_BYTES), str(path)))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: not valid JSON: {error}. Expected one report per file.") from None
    names = [key for key in record if _JSON_ITEM.fullmatch(key)] if isinstance(record, dict) else []
    if not names:
        raise DataError(
            f"{path}: expected a JSON object with the texts `item_1`, `item_1A` and so on."
        )
    stem = path.name.removesuffix(".gz").rpartition(".")[0]
    for key in names:
        if not isinstance(record[key], str):
            raise DataError(f"{path}: {key}: expected a text, found {type(record[key]).__name__}.")
        if text := record[key].strip():
            item = key.removeprefix("item_")
            yield Document(f"{stem}:item-{item}", text, f"{path.name}#item-{item}")

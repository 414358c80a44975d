"""From a text with mentions at character offsets to tagged sentences."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from domainbert.errors import DataError
from domainbert.plugin.records import Sentence
from domainbert.words import sentence_ends, word_spans

_BLANKS = re.compile(r"\s+")


class Mention(NamedTuple):
    """A mention in a text: `text[start:end]`, and its type."""

    start: int
    end: int
    type: str


def checked_mention(
    text: str, start: int, end: int, label: str, quoted: str | None = None
) -> Mention:
    """Return a mention without the blanks at its ends.

    Args:
        text: The whole text.
        start: Offset of its first character.
        end: Offset behind its last one.
        label: Its type; blanks in it become underscores.
        quoted: What the file says stands there.

    Raises:
        DataError: The offsets lie outside the text, enclose nothing, or something else.
    """
    if not 0 <= start < end <= len(text):
        raise DataError(
            f"offsets {start} to {end} lie outside the text of {len(text)} characters, or enclose "
            "nothing. Expected 0 <= start < end <= length"
        )
    found = text[start:end]
    if not found.strip() or (quoted is not None and found.split() != quoted.split()):
        says = f", the file says {quoted[:60]!r}" if quoted is not None else ""
        raise DataError(
            f"offsets {start} to {end} enclose {found[:60]!r}{says}. Expected the same text, "
            "blanks aside; was the file re-encoded?"
        )
    if not label.strip():
        raise DataError(f"the mention {found[:60]!r} has no type")
    label = _BLANKS.sub("_", label.strip())
    return Mention(end - len(found.lstrip()), start + len(found.rstrip()), label)


def tagged_sentences(
    text: str,
    mentions: Iterable[Mention],
    counts: Counter[str],
    ends: Iterable[int] = (),
    document: str = "",
) -> Iterator[Sentence]:
    """Yield the sentences of a text, tagged in IOB2.

    No sentence ends inside a mention. Where a mention starts or ends within a word, the word is cut
    there; `counts["cut_words"]` tells how often, `counts["without_word"]` how many hold no word. Of
    mentions that overlap the longest is kept, of equal ones the first; `counts["overlapping"]`
    counts the others.

    Args:
        text: The text.
        mentions: In any order.
        counts: Receives the remarks.
        ends: Offsets at which a sentence ends too, such as that of a title.
        document: Name of the text.
    """
    kept = _without_overlaps(mentions, counts)
    lines = (match.end() for match in re.finditer(r"\n", text))
    found = {*ends, *lines, *sentence_ends(text)}
    stops = sorted({end for end in found if not _inside(end, kept)} | {len(text)})
    first = 0
    for start, stop in zip([0, *stops[:-1]], stops, strict=True):
        last = first
        while last < len(kept) and kept[last].start < stop:
            last += 1
        inside, first = kept[first:last], last
        words = _words(text, start, stop, inside, counts)
        if words:
            tags = _tags(words, inside)
            counts["without_word"] += len(inside) - sum(tag.startswith("B-") for tag in tags)
            yield Sentence(tuple(text[a:b] for a, b in words), tags, document)


def _without_overlaps(mentions: Iterable[Mention], counts: Counter[str]) -> list[Mention]:
    kept: list[Mention] = []
    for mention in sorted(mentions, key=lambda m: (m.start - m.end, m.start)):
        if mention in kept:
            counts["repeated_mentions"] += 1
        elif any(mention.start < other.end and other.start < mention.end for other in kept):
            counts["overlapping"] += 1
        else:
            kept.append(mention)
    return sorted(kept)


def _inside(place: int, mentions: Sequence[Mention]) -> bool:
    return any(mention.start < place < mention.end for mention in mentions)


def _words(
    text: str, start: int, stop: int, mentions: Sequence[Mention], counts: Counter[str]
) -> list[tuple[int, int]]:
    """Return the offsets of the words of a sentence, cut at the ends of mentions."""
    cuts = sorted({cut for mention in mentions for cut in mention[:2]})
    words = list[tuple[int, int]]()
    for first, last in word_spans(text, start, stop):
        inside = [cut for cut in cuts if first < cut < last]
        counts["cut_words"] += bool(inside)
        words += zip([first, *inside], [*inside, last], strict=True)
    return words


def _tags(words: Sequence[tuple[int, int]], mentions: Sequence[Mention]) -> tuple[str, ...]:
    tags, waiting = list[str](), list(reversed(mentions))
    opened: Mention | None = None
    for start, end in words:
        while waiting and waiting[-1].end <= start:
            waiting.pop()
        mention = waiting[-1] if waiting else None
        if mention is None or end <= mention.start:
            tags.append("O")
        else:
            tags.append(("I-" if mention == opened else "B-") + mention.type)
            opened = mention
    return tuple(tags)

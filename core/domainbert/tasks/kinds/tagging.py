"""Word-level tagging with a sub-word model: alignment and windows.

A word is represented by its first piece. A sentence that is too long is read in overlapping windows
and each word is scored in the window that gives it the most context, so that no gold word is lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from domainbert.plugin.domain import Sentence
from domainbert.tasks.window import Window
from domainbert.tokenizer.load import encode_with_offsets, special_tokens


def word_windows(sentences: Sequence[Sentence], tokenizer: Any, max_length: int) -> list[Window]:
    """Align words with tokens and cut what is too long.

    Words are joined by blanks and found again by character offsets, which works for every
    tokenizer family. A word that yields no token at all stands in no window; it counts as O.

    Args:
        sentences: Words of each sentence.
        tokenizer: A fast tokenizer.
        max_length: Tokens of a window, special tokens included.
    """
    specials = special_tokens(tokenizer)
    capacity = specials.room(max_length)
    encoded = encode_with_offsets(tokenizer, [" ".join(s.words) for s in sentences])
    windows = []
    for number, (sentence, (ids, offsets)) in enumerate(zip(sentences, encoded, strict=True)):
        pieces = _pieces_of_words(sentence.words, offsets, capacity)
        for span in _spans([len(piece) for piece in pieces], capacity):
            kept = pieces[span.first : span.stop]
            flat = [ids[place] for piece in kept for place in piece]
            starts = _starts(kept, len(specials.prefix))
            owned = [w for w in span.owned if pieces[w]]
            windows.append(
                Window(
                    number,
                    (*specials.prefix, *flat, *specials.suffix),
                    tuple(owned),
                    tuple(starts[w - span.first] for w in owned),
                )
            )
    return windows


@dataclass(frozen=True)
class _Span:
    first: int
    stop: int
    owned: range


def _pieces_of_words(
    words: Iterable[str], offsets: list[tuple[int, int]], capacity: int
) -> list[list[int]]:
    """Return the token numbers of each word; a word longer than a window keeps its beginning."""
    pieces: list[list[int]] = []
    token, place = 0, 0
    for word in words:
        end, mine = place + len(word), []
        while token < len(offsets) and offsets[token][0] < end:
            mine.append(token)
            token += 1
        pieces.append(mine[:capacity])
        place = end + 1
    return pieces


def _spans(sizes: list[int], capacity: int) -> list[_Span]:
    """Cut words of given sizes into overlapping spans and share the words out among them."""
    ends = []
    first = 0
    while True:
        stop, used = first, 0
        while stop < len(sizes) and used + sizes[stop] <= capacity:
            used += sizes[stop]
            stop += 1
        ends.append((first, stop))
        if stop == len(sizes):
            break
        # The next span begins a quarter of a window before this one ends, but always moves on.
        back, overlap = stop, 0
        while back > first + 1 and overlap + sizes[back - 1] <= capacity // 4:
            back -= 1
            overlap += sizes[back]
        first = back
    spans, owned_from = [], 0
    for number, (start, stop) in enumerate(ends):
        last = number == len(ends) - 1
        # Two spans meet in the middle of what both can see.
        owned_to = stop if last else (ends[number + 1][0] + stop + 1) // 2
        spans.append(_Span(start, stop, range(owned_from, owned_to)))
        owned_from = owned_to
    return spans


def _starts(pieces: list[list[int]], offset: int) -> list[int]:
    starts, place = [], offset
    for piece in pieces:
        starts.append(place)
        place += len(piece)
    return starts

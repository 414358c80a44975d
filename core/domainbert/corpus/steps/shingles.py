"""Hashes of words and of word sequences, for near duplicates and contamination.

Case and signs do not count. Hashes are functions of the text alone, on every machine.

Legend: W words, S windows.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from domainbert.words import canonical_text, words_of

Hashes = NDArray[np.uint64]

_WORD = re.compile(r"[^\W_]+")
# Marks, which are part of a letter, and scripts without blanks between words.
_NO_BLANKS = re.compile("[\u0300-\u036f\u0590-\u1cff\u3040-\u9fff\uf900-\U0003ffff]")
# Odd, so that multiplication modulo 2^64 loses nothing.
BASE = 0x9E37_79B9_7F4A_7C15
"""Of polynomial hashes modulo 2^64."""


def word_hashes(text: str) -> Hashes:
    """Return the hashes of the words of a text, uint64, shape (W,)."""
    folded = (text if text.isascii() else canonical_text(text)).casefold()
    if _NO_BLANKS.search(folded) is None:
        words = _WORD.findall(folded)
    else:
        words = [word for word in words_of(folded) if any(map(str.isalnum, word))]
    return np.fromiter(map(_hashes.__getitem__, words), np.uint64, len(words))


class _Hashes(dict[str, int]):
    """Word → hash; forgets all words when there are too many."""

    def __missing__(self, word: str) -> int:
        if len(self) >= _MOST_WORDS:
            self.clear()
        digest = hashlib.blake2b(word.encode(errors="surrogatepass"), digest_size=8).digest()
        self[word] = number = int.from_bytes(digest, "little")
        return number


_MOST_WORDS = 1 << 19
_hashes = _Hashes()


def window_hashes(hashes_W: Hashes, size: int) -> Hashes:
    """Return the hashes of all runs of `size` words, uint64, shape (S,); S may be 0."""
    return next(growing_windows(hashes_W, (size,)))


def growing_windows(hashes_W: Hashes, sizes: Iterable[int]) -> Iterator[Hashes]:
    """Yield the hashes of all runs of each of some ascending sizes, as of `window_hashes`."""
    windows_S, reached = hashes_W[:0], 0
    for size in sizes:
        if size > len(hashes_W):
            windows_S = hashes_W[:0]
        elif not reached:
            windows_S, reached = hashes_W.copy(), 1
        while 0 < reached < size <= len(hashes_W):
            windows_S = windows_S[:-1] * np.uint64(BASE) + hashes_W[reached:]
            reached += 1
        yield windows_S


def shingles(text: str, size: int) -> Hashes:
    """Return the different runs of `size` words of a text, sorted; of a shorter text the whole."""
    hashes_W = word_hashes(text)
    return np.unique(window_hashes(hashes_W, min(size, max(1, len(hashes_W)))))


def jaccard(one: Hashes, other: Hashes) -> float:
    """Return the share of common elements of two sorted sets; 0 for two empty ones."""
    common = len(np.intersect1d(one, other, assume_unique=True))
    union = len(one) + len(other) - common
    return common / union if union else 0.0

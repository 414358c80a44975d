"""Hashes of words and of word sequences, for near duplicates and contamination.

Case and signs do not count. Hashes are functions of the text alone, on every machine.

Legend: W words, S windows.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from domainbert.words import words_of

Hashes = NDArray[np.uint64]

_ASCII_WORD = re.compile(r"[a-z0-9]+")
# Odd, so that multiplication modulo 2^64 loses nothing.
_BASE = 0x9E37_79B9_7F4A_7C15


def word_hashes(text: str) -> Hashes:
    """Return the hashes of the words of a text, uint64, shape (W,)."""
    folded = text.casefold()
    if folded.isascii():
        words = _ASCII_WORD.findall(folded)
    else:
        words = [word for word in words_of(folded) if any(map(str.isalnum, word))]
    return np.fromiter(map(_hash, words), np.uint64, len(words))


@lru_cache(maxsize=1 << 18)
def _hash(word: str) -> int:
    digest = hashlib.blake2b(word.encode(errors="surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little")


def window_hashes(hashes_W: Hashes, size: int) -> Hashes:
    """Return the hashes of all runs of `size` words, uint64, shape (S,); S may be 0."""
    count = max(0, len(hashes_W) - size + 1)
    windows_S = np.zeros(count, dtype=np.uint64)
    for place in range(size if count else 0):
        windows_S *= np.uint64(_BASE)
        windows_S += hashes_W[place : place + count]
    return windows_S


def shingles(text: str, size: int) -> Hashes:
    """Return the different runs of `size` words of a text, sorted; of a shorter text the whole."""
    hashes_W = word_hashes(text)
    return np.unique(window_hashes(hashes_W, min(size, max(1, len(hashes_W)))))


def jaccard(one: Hashes, other: Hashes) -> float:
    """Return the share of common elements of two sorted sets; 1 for two empty ones."""
    common = len(np.intersect1d(one, other, assume_unique=True))
    union = len(one) + len(other) - common
    return common / union if union else 1.0

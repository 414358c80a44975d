"""Token units: where words and terms of a text begin, as one byte of flags per token.

Masking of whole words, spans and terms needs them.

Words come from the text and the tokens' places in it, so they are the same for every family of
tokenizers. A byte is a sum of flags. Legend: L tokens of a document.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from domainbert.corpus.steps.normalise import normalise
from domainbert.storage.files import sha256_of
from domainbert.words import word_spans, words_of

# Of the definition of a word; a store of another version is not continued.
_VERSION = 3

BEGINS_WORD, BEGINS_TERM, IN_TERM = 1, 2, 4

LONGEST_WORD = 16
"""Tokens of a word; a longer run, as of bases, is cut so that no word is most of a sequence."""


@dataclass(frozen=True)
class TokenUnits:
    """Flags the tokens of texts; made by `word_units` and `term_units`.

    Args:
        name: Of the units, for the manifest of a token store.
        terms: First word of terms → these terms as (number of words, text), longest first; all
            folded, white space as single blanks.
    """

    name: str
    terms: Mapping[str, tuple[tuple[int, str], ...]] = field(default_factory=dict)

    def flags(self, text: str, offsets: list[tuple[int, int]], splits: list[Any]) -> NDArray[Any]:
        """Return the flags of each token of a text; uint8, shape (L,).

        Args:
            text: The text.
            offsets: Character range of each token.
            splits: Number of the piece that the tokenizer's own splitting put each token in.
        """
        spans_L2 = _spans(offsets)
        words = word_spans(text)
        begins_L = _begins(spans_L2, _spans(words), splits)
        units_L = np.where(begins_L, BEGINS_WORD, 0).astype(np.uint8)
        if self.terms:
            _flag_terms(units_L, spans_L2, _spans(self._find(text, words)))
        return units_L

    def _find(self, text: str, words: list[tuple[int, int]]) -> list[tuple[int, int]]:
        """Return where terms stand, from left to right, the longest at each word."""
        found, free = [], 0
        for number, (first, end) in enumerate(words):
            terms = self.terms.get(text[first:end].casefold(), ()) if number >= free else ()
            for count, term in terms:
                last = words[number + count - 1][1] if number + count <= len(words) else first
                if _folded(text[first:last]) == term:
                    found.append((first, last))
                    free = number + count
                    break
        return found


def word_units() -> TokenUnits:
    """Return the units of words alone."""
    return TokenUnits(f"words, version {_VERSION}")


def term_units(terms: Iterable[str]) -> TokenUnits:
    """Return the units of words, and of terms as whole words; case does not matter.

    Args:
        terms: The domain's list.
    """
    folded = sorted({_folded(normalise(term)) for term in terms} - {""})
    by_first: dict[str, list[tuple[int, str]]] = {}
    for term in folded:
        if not (words := words_of(term)):
            continue  # marks alone
        by_first.setdefault(words[0], []).append((len(words), term))
    name = sha256_of("\n".join(folded))
    return TokenUnits(
        f"terms {name}, version {_VERSION}",
        {first: tuple(sorted(found, reverse=True)) for first, found in by_first.items()},
    )


def _spans(pairs: list[tuple[int, int]]) -> NDArray[np.int64]:
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()


def _begins(
    spans_L2: NDArray[np.int64], words_W2: NDArray[np.int64], splits: list[Any]
) -> NDArray[np.bool_]:
    """Return where words begin: at tokens that share no word with the token before."""
    first_L = np.searchsorted(words_W2[:, 1], spans_L2[:, 0], side="right")
    last_L = np.searchsorted(words_W2[:, 0], spans_L2[:, 1], side="left") - 1
    blank_L = last_L < first_L
    before_L = np.maximum.accumulate(np.concatenate([[-1], last_L]))[:-1]
    begins_L = blank_L | (first_L > before_L)
    # A lone sign of a blank, as `▁`, belongs to the word that it stands before; a line end does
    # not. The tokenizer's own splitting tells them apart.
    splits_L = np.array(splits, dtype=np.float64)
    begins_L[1:] &= ~(blank_L[:-1] & (splits_L[1:] == splits_L[:-1]))
    begins_L[:1] = True
    places_L = np.arange(len(begins_L))
    starts_L = np.maximum.accumulate(np.where(begins_L, places_L, 0))
    return begins_L | ((places_L - starts_L) % LONGEST_WORD == 0)


def _flag_terms(
    units_L: NDArray[np.uint8], spans_L2: NDArray[np.int64], terms_U2: NDArray[np.int64]
) -> None:
    """Set the flags of terms; a term takes in the whole words that it touches."""
    starts = np.append(np.flatnonzero(units_L & BEGINS_WORD), len(units_L))
    first_U = np.searchsorted(np.maximum.accumulate(spans_L2[:, 1]), terms_U2[:, 0], side="right")
    stop_U = np.searchsorted(np.maximum.accumulate(spans_L2[:, 0]), terms_U2[:, 1], side="left")
    # One way from tokens to the words that they are of, for all terms at once.
    begin_U = starts[np.searchsorted(starts, first_U, side="right") - 1]
    end_U = starts[np.searchsorted(starts, stop_U, side="left")]
    done = 0
    for first, stop, begin, end in zip(first_U, stop_U, begin_U, end_U, strict=True):
        if first >= stop or end <= done:
            continue
        # Two terms that share a token are one unit.
        units_L[begin] |= BEGINS_TERM if begin >= done else 0
        units_L[begin:end] |= IN_TERM
        done = end

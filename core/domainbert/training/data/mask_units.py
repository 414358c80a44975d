"""Which tokens are hidden at a mask rate: tokens, words, spans of words, or terms before words.

Each unit gives every token the smallest rate at which it is hidden. So a higher rate hides the
same tokens and more, and what is drawn depends on (seed, epoch, sequence) alone. All tokens of a
unit have the same number. Legend: L tokens of a sequence, U units in it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from domainbert.corpus.token_units import BEGINS_TERM, BEGINS_WORD, IN_TERM
from domainbert.keyed_random import random_words, uniforms

if TYPE_CHECKING:
    from numpy.typing import NDArray

Masking = Literal["token", "word", "span", "term"]

TERM_LIMIT = 0.5
"""A term is hidden at most half of the time, so that it is also read."""

SPAN_DECAY, LONGEST_SPAN = 0.8, 10
"""Lengths of spans are geometric with p = 0.2, no longer than ten words: 3.8 on average."""

_CHOICE, _LENGTH, _ROUNDING = 0, 3, 4


def token_rates(key: int, length: int) -> NDArray[np.float64]:
    """Draw for each token alone."""
    return uniforms(random_words(key, _CHOICE, np.arange(length)))


def word_rates(key: int, units_L: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Draw once for all tokens of a word.

    As in the whole-word masking of BERT (google-research/bert, 2019), what becomes of a chosen word
    is drawn for each of its tokens.
    """
    return token_rates(key, len(units_L))[_firsts(units_L & BEGINS_WORD)]


def term_rates(
    key: int, units_L: NDArray[np.uint8], open_L: NDArray[np.bool_], share: float
) -> NDArray[np.float64]:
    """Draw once for all tokens of a term, and of a word outside of terms, terms being favoured.

    At a mask rate r, a share of the hidden tokens are to be of terms. Let f be the fraction of the
    sequence's tokens that are: a term is hidden with probability r·share/f, at most `TERM_LIMIT`
    and at least r, any other word with what keeps the expected rate at r. A sequence without terms
    is masked by words.

    Args:
        key: Of the sequence.
        units_L: Flags of each token.
        open_L: Tokens that may be hidden.
        share: Above 0, below 1.
    """
    in_term_L = (units_L & IN_TERM) > 0
    choice_L = token_rates(key, len(units_L))[
        _firsts(np.where(in_term_L, units_L & BEGINS_TERM, units_L & BEGINS_WORD))
    ]
    fraction = float(in_term_L[open_L].mean())
    if fraction == 0 or share <= fraction:
        return choice_L  # terms have their share without favour
    # The probability of a unit is made of straight lines in r; these are the ways back.
    full = TERM_LIMIT * fraction / share  # the rate at which terms reach their limit
    other = (1 - share) / (1 - fraction)
    term_L = np.where(choice_L < TERM_LIMIT, choice_L * fraction / share, choice_L)
    word_L = np.where(
        choice_L < full * other,
        choice_L / other,
        np.where(
            choice_L < TERM_LIMIT, choice_L * (1 - fraction) + TERM_LIMIT * fraction, choice_L
        ),
    )
    return np.where(in_term_L, term_L, word_L)


def span_rates(
    key: int,
    units_L: NDArray[np.uint8],
    inside_L: NDArray[np.bool_],
    open_L: NDArray[np.bool_],
    rate: float,
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Lay spans of whole words until a share of the words is hidden.

    Spans begin at words not yet hidden, in random order. The last is cut where the share is
    reached; a fraction of a word is rounded up or down by chance, so that the expected share is the
    rate. As SpanBERT (Joshi et al. 2020, arXiv 1907.10529), but for counting words, not tokens.

    Args:
        key: Of the sequence.
        units_L: Flags of each token; tokens of the frame have none.
        inside_L: False at tokens of the frame; no span goes across them.
        open_L: Tokens that may be hidden.
        rate: Words that a higher rate alone would hide are left out: their number is infinite.

    Returns:
        The numbers, and the first position of the span that hides each token.
    """
    starts_U = np.flatnonzero(units_L & BEGINS_WORD)
    unit_L = np.cumsum((units_L & BEGINS_WORD) > 0) - 1
    open_U = np.bincount(unit_L[open_L], minlength=len(starts_U)) > 0
    total = int(open_U.sum())
    chance = float(uniforms(random_words(key, _ROUNDING, 0)))
    budget = max(1, math.floor(rate * total + chance))
    ends_U = _text_ends(starts_U, inside_L)
    span_U = _lay_spans(key, starts_U, open_U, ends_U, budget)
    needed_U = np.full(len(starts_U), np.inf)
    anchor_U = starts_U.copy()
    for rank, (unit, anchor) in enumerate(span_U):
        needed_U[unit] = (rank + 1 - chance) / total
        anchor_U[unit] = starts_U[anchor]
    return needed_U[unit_L], anchor_U[unit_L]


def _text_ends(starts_U: NDArray[np.int64], inside_L: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return for each word the number of the first word behind its text."""
    text_U = np.cumsum(~inside_L)[starts_U]
    return np.searchsorted(text_U, text_U, side="right")


def _lay_spans(
    key: int,
    starts_U: NDArray[np.int64],
    open_U: NDArray[np.bool_],
    ends_U: NDArray[np.int64],
    budget: int,
) -> list[tuple[int, int]]:
    """Return the words that spans hide, in order, each with the first word of its span."""
    order = np.argsort(uniforms(random_words(key, _CHOICE, starts_U))).tolist()
    lengths_U = _span_lengths(uniforms(random_words(key, _LENGTH, starts_U)))
    stops = np.minimum(np.arange(len(starts_U)) + lengths_U, ends_U).tolist()
    free, found = open_U.tolist(), []
    for first in order:
        if not free[first]:
            continue
        for unit in range(first, stops[first]):
            if free[unit]:
                free[unit] = False
                found.append((unit, first))
                if len(found) == budget:
                    return found
    return found


def _span_lengths(chance_U: NDArray[np.float64]) -> NDArray[np.int64]:
    # Lengths above the longest are left out, not made the longest: that gives the mean of 3.8.
    below = chance_U * (1 - SPAN_DECAY**LONGEST_SPAN)
    return 1 + np.floor(np.log1p(-below) / math.log(SPAN_DECAY)).astype(np.int64)


def _firsts(begins_L: NDArray[Any]) -> NDArray[np.int64]:
    """Return for each token the position of the first of its unit."""
    return np.maximum.accumulate(np.where(begins_L > 0, np.arange(len(begins_L)), 0))

"""Masking as in BERT: choose, then 80 % mask token, 10 % another token, 10 % unchanged.

Which tokens, and what becomes of them, is a function of (seed, epoch, sequence). Each masking unit
(token, word, span, term) gives every token the smallest rate at which it is masked; so a higher
rate masks the same tokens and more. Source: Devlin et al. 2019, section 3.1 (arXiv 1810.04805).
Legend: L tokens of a sequence, special tokens included; U words in it; M masked tokens.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np

from domainbert.corpus.token_units import BEGINS_TERM, BEGINS_WORD, IN_TERM
from domainbert.keyed_random import derive_key, random_words, uniforms
from domainbert.training.data.frame import Frame

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from domainbert.tokenizer.load import SpecialTokens

Masking = Literal["token", "word", "span", "term"]

TERM_LIMIT = 0.5
"""A term is masked at most half of the time, so that it is also read."""

SPAN_DECAY, LONGEST_SPAN = 0.8, 10
"""Lengths of spans are geometric with p = 0.2, no longer than ten words: 3.8 on average."""

MASKED, REPLACED = 0.8, 0.1
_CHOICE, _FATE, _REPLACEMENT, _LENGTH, _ROUNDING = range(5)


@dataclass(frozen=True)
class MaskingConfig:
    """How tokens are masked.

    Args:
        rate: Expected share of the tokens that are chosen.
        seed: Seed of the run.
        specials: Tokens that are never chosen and never drawn.
        vocabulary_size: Ids are `range(vocabulary_size)`.
        unit: Masking unit.
        term_share: Share of the chosen tokens that are to be of terms.
    """

    rate: float
    seed: int
    specials: SpecialTokens
    vocabulary_size: int
    unit: Masking = "token"
    term_share: float = 0.5

    @cached_property
    def ordinary(self) -> NDArray[np.bool_]:
        """For each id whether it may be masked or drawn; the last is for ids beyond."""
        ids = np.arange(self.vocabulary_size + 1)
        return ~np.isin(ids, [n for n in self.specials.reserved if n < self.vocabulary_size])


def mlm_probability_at(step: int, total: int, first: float, last: float) -> float:
    """Return the mask rate of a step: `first` in step 0, `last` in the last, linear between."""
    return first + (last - first) * min(1.0, max(0, step) / max(1, total - 1))


def mask_frame(frame: Frame, config: MaskingConfig, epoch: int, sequence: int) -> Frame:
    """Mask some tokens of a framed sequence.

    At least one token is chosen, whatever the length: a sequence with nothing to predict teaches
    nothing and, alone in its batch, has no loss. Unknown tokens are chosen only where there is
    nothing else.
    """
    open_L = frame.inside_L & config.ordinary.take(frame.ids_L, mode="clip")
    if not open_L.any():
        open_L = frame.inside_L
    key = derive_key("mask", config.seed, epoch, sequence)
    needed_L, draws_L = _needed_rates(key, frame, open_L, config)
    chosen_L = open_L & (needed_L < config.rate)
    if not chosen_L.any():
        chosen_L = open_L & (needed_L == needed_L[open_L].min())
    positions_M = np.flatnonzero(chosen_L)
    targets_M = frame.ids_L[positions_M]
    fate_M = uniforms(random_words(key, _FATE, draws_L[positions_M]))
    ids_R = np.flatnonzero(config.ordinary[:-1])  # replacements are drawn from these
    draw_M = random_words(key, _REPLACEMENT, positions_M) % np.uint64(len(ids_R))
    other_M = ids_R[draw_M.astype(np.int64)]
    kept_M = np.where(fate_M < MASKED + REPLACED, other_M, targets_M)
    return frame.masked(positions_M, np.where(fate_M < MASKED, config.specials.mask, kept_M))


def _needed_rates(
    key: int, frame: Frame, open_L: NDArray[np.bool_], config: MaskingConfig
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the smallest rate that masks each token, and the place whose draw decides its fate.

    As in the whole-word masking of BERT (google-research/bert, 2019), what becomes of a chosen word
    is drawn for each of its tokens.

    Args:
        key: Of the sequence.
        frame: The sequence.
        open_L: Tokens that may be masked.
        config: Masking unit, rate, and share of terms.
    """
    if config.unit == "span":
        return _span_rates(key, frame, open_L, config.rate)
    places_L = np.arange(len(frame.ids_L))
    choice_L = uniforms(random_words(key, _CHOICE, places_L))
    if config.unit == "token":
        return choice_L, places_L
    in_term_L = (frame.units_L & IN_TERM > 0) & (config.unit == "term")
    begins_L = frame.units_L & np.where(in_term_L, BEGINS_TERM, BEGINS_WORD) > 0
    choice_L = choice_L[np.maximum.accumulate(np.where(begins_L, places_L, 0))]
    return _favour_terms(choice_L, in_term_L, open_L, config.term_share), places_L


def _favour_terms(
    choice_L: NDArray[np.float64],
    in_term_L: NDArray[np.bool_],
    open_L: NDArray[np.bool_],
    share: float,
) -> NDArray[np.float64]:
    """Return the rates of terms and words, from one draw for each.

    At a mask rate r, a share of the masked tokens are to be of terms. Let f be the fraction of the
    sequence's tokens that are: a term is masked with probability r·share/f, at most `TERM_LIMIT`
    and at least r, any other word with what keeps the expected rate at r. A sequence without terms
    is masked by words.
    """
    fraction = float(in_term_L[open_L].mean())
    if fraction == 0 or share <= fraction:
        return choice_L  # terms have their share without favour
    # The probability of a unit is made of straight lines in r; these are the ways back.
    full = TERM_LIMIT * fraction / share  # the rate at which terms reach their limit
    other = (1 - share) / (1 - fraction)
    late_L = choice_L * (1 - fraction) + TERM_LIMIT * fraction
    word_L = np.where(choice_L < full * other, choice_L / other, late_L)
    limited_L = np.where(in_term_L, choice_L * fraction / share, word_L)
    return np.where(choice_L < TERM_LIMIT, limited_L, choice_L)


def _span_rates(
    key: int, frame: Frame, open_L: NDArray[np.bool_], rate: float
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Lay spans of whole words until a share of the words is masked.

    Spans begin at words not yet masked, in random order; none goes across tokens of the frame. The
    last is cut where the share is reached; a fraction of a word is rounded up or down by chance, so
    that the expected share is the rate. Words that a higher rate alone would mask are left out:
    their number is infinite. As SpanBERT (Joshi et al. 2020, arXiv 1907.10529), but for counting
    words, not tokens.
    """
    begins_L = frame.units_L & BEGINS_WORD > 0
    starts_U, unit_L = np.flatnonzero(begins_L), np.cumsum(begins_L) - 1
    open_U = np.bincount(unit_L[open_L], minlength=len(starts_U)) > 0
    total, chance = int(open_U.sum()), float(uniforms(random_words(key, _ROUNDING, 0)))
    text_U = np.cumsum(~frame.inside_L)[starts_U]
    ends_U = np.searchsorted(text_U, text_U, side="right")  # first words behind the text
    # Lengths above the longest are left out, not made the longest: that gives the mean of 3.8.
    below_U = uniforms(random_words(key, _LENGTH, starts_U)) * (1 - SPAN_DECAY**LONGEST_SPAN)
    lengths_U = 1 + np.floor(np.log1p(-below_U) / math.log(SPAN_DECAY)).astype(np.int64)
    stops = np.minimum(np.arange(len(starts_U)) + lengths_U, ends_U).tolist()
    free, budget = open_U.tolist(), max(1, math.floor(rate * total + chance))
    masked: list[tuple[int, int]] = []  # words in order, each with the first of its span
    for first in np.argsort(uniforms(random_words(key, _CHOICE, starts_U))).tolist():
        if len(masked) < budget and free[first]:
            span = [unit for unit in range(first, stops[first]) if free[unit]]
            masked += [(unit, first) for unit in span]
            free[first : stops[first]] = [False] * (stops[first] - first)
    units, firsts = np.array(masked[:budget]).T
    needed_U, anchor_U = np.full(len(starts_U), np.inf), starts_U.copy()
    needed_U[units] = (np.arange(1, len(units) + 1) - chance) / total
    anchor_U[units] = starts_U[firsts]
    return needed_U[unit_L], anchor_U[unit_L]

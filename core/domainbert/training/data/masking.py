"""Masking as in BERT: choose, then 80 % mask token, 10 % another token, 10 % unchanged.

Which tokens, and what becomes of them, is a function of (seed, epoch, sequence); how the mask rate
chooses is in `mask_units.py`. Source: Devlin et al. 2019, section 3.1 (arXiv 1810.04805). Legend:
L tokens of a sequence, special tokens included.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from domainbert.keyed_random import derive_key, random_words, uniforms
from domainbert.training.data.frame import Frame, MaskedSequence
from domainbert.training.data.mask_units import (
    Masking,
    span_rates,
    term_rates,
    token_rates,
    word_rates,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from domainbert.tokenizer.load import SpecialTokens

MASKED, REPLACED = 0.8, 0.1
_FATE, _REPLACEMENT = 1, 2


@dataclass(frozen=True)
class MaskingConfig:
    """How tokens are masked.

    Args:
        rate: Expected share of the tokens that are chosen.
        seed: Seed of the run.
        specials: Tokens that are never chosen and never drawn.
        replacements_V: int64, ids that a random replacement is drawn from.
        ordinary_V: bool, for each id whether it may be chosen.
        unit: Masking unit.
        term_share: Share of the chosen tokens that are to be of terms.
    """

    rate: float
    seed: int
    specials: SpecialTokens
    replacements_V: NDArray[np.int64]
    ordinary_V: NDArray[np.bool_]
    unit: Masking = "token"
    term_share: float = 0.5


def masking_config(
    rate: float,
    seed: int,
    specials: SpecialTokens,
    vocabulary_size: int,
    unit: Masking = "token",
    term_share: float = 0.5,
) -> MaskingConfig:
    """Prepare masking for a vocabulary of ids `range(vocabulary_size)`."""
    ordinary_V = np.ones(vocabulary_size + 1, dtype=bool)  # the last is for ids beyond
    ordinary_V[[number for number in specials.reserved if number < vocabulary_size]] = False
    replacements_V = np.flatnonzero(ordinary_V[:-1])
    return MaskingConfig(rate, seed, specials, replacements_V, ordinary_V, unit, term_share)


def mlm_probability_at(step: int, total: int, first: float, last: float) -> float:
    """Return the mask rate of a step: `first` in step 0, `last` in the last, linear between."""
    return first + (last - first) * min(1.0, max(0, step) / max(1, total - 1))


def mask_frame(frame: Frame, config: MaskingConfig, epoch: int, sequence: int) -> MaskedSequence:
    """Mask some tokens of a framed sequence.

    At least one token is chosen, whatever the length: a sequence with nothing to predict teaches
    nothing and, in a batch of its own, has no loss. Unknown tokens are chosen only where there is
    nothing else.
    """
    ids_L = frame.ids_L.copy()
    open_L = frame.inside_L & config.ordinary_V.take(ids_L, mode="clip")
    if not open_L.any():
        open_L = frame.inside_L
    key = derive_key("mask", config.seed, epoch, sequence)
    needed_L, draws_L = _needed_rates(frame, open_L, key, config)
    chosen_L = open_L & (needed_L < config.rate)
    if not chosen_L.any():
        chosen_L = open_L & (needed_L == needed_L[open_L].min())
    positions_M = np.flatnonzero(chosen_L)
    targets_M = ids_L[positions_M]
    ids_L[positions_M] = _corrupt(targets_M, positions_M, draws_L[positions_M], key, config)
    return MaskedSequence(ids_L, positions_M, targets_M, frame.token_types_L, frame.label)


def _needed_rates(
    frame: Frame, open_L: NDArray[np.bool_], key: int, config: MaskingConfig
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the smallest rate that hides each token, and the place whose draw decides its fate."""
    places_L = np.arange(len(frame.ids_L))
    if config.unit == "word":
        return word_rates(key, frame.units_L), places_L
    if config.unit == "term":
        return term_rates(key, frame.units_L, open_L, config.term_share), places_L
    if config.unit == "span":
        return span_rates(key, frame.units_L, frame.inside_L, open_L, config.rate)
    return token_rates(key, len(places_L)), places_L


def _corrupt(
    targets_M: NDArray[np.int64],
    positions_M: NDArray[np.int64],
    draws_M: NDArray[np.int64],
    key: int,
    config: MaskingConfig,
) -> NDArray[np.int64]:
    fate_M = uniforms(random_words(key, _FATE, draws_M))
    draw_M = random_words(key, _REPLACEMENT, positions_M) % np.uint64(len(config.replacements_V))
    other_M = config.replacements_V[draw_M.astype(np.int64)]
    return np.where(
        fate_M < MASKED,
        config.specials.mask,
        np.where(fate_M < MASKED + REPLACED, other_M, targets_M),
    )

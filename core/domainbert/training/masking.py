"""Token masking as in BERT: choose, then 80 % mask token, 10 % another token, 10 % unchanged.

Which tokens, and what becomes of them, is a function of (seed, epoch, sequence). Source: Devlin et
al. 2019, section 3.1 (arXiv 1810.04805). Legend: L tokens of a sequence, special tokens included.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from domainbert.counter import derive_key, random_words, uniforms

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from domainbert.tokenizer import SpecialTokens

MASKED, REPLACED = 0.8, 0.1
_CHOICE, _FATE, _REPLACEMENT = 0, 1, 2


@dataclass(frozen=True)
class MaskRule:
    """How tokens are masked.

    Args:
        rate: Probability that a token is chosen.
        seed: Seed of the run.
        specials: Tokens that are never chosen and never drawn.
        replacements_V: int64, ids that a random replacement is drawn from.
    """

    rate: float
    seed: int
    specials: SpecialTokens
    replacements_V: NDArray[np.int64]


@dataclass(frozen=True)
class MaskedSequence:
    """One sequence as the model sees it.

    Args:
        input_ids_L: int64.
        positions_M: int64, the chosen positions, ascending; at least one.
        targets_M: int64, the original ids there.
    """

    input_ids_L: NDArray[np.int64]
    positions_M: NDArray[np.int64]
    targets_M: NDArray[np.int64]


def mask_rule(rate: float, seed: int, specials: SpecialTokens, vocabulary_size: int) -> MaskRule:
    """Prepare masking for a vocabulary of ids `range(vocabulary_size)`."""
    replacements = np.setdiff1d(np.arange(vocabulary_size), np.array(specials.reserved))
    return MaskRule(rate, seed, specials, replacements)


def mask_sequence(
    text_ids: NDArray[np.integer], rule: MaskRule, epoch: int, sequence: int
) -> MaskedSequence:
    """Frame text tokens with special tokens and mask some of them.

    At least one token is chosen, whatever the length: a sequence with nothing to predict teaches
    nothing and, in a batch of its own, has no loss. Unknown tokens are chosen only where there is
    nothing else.

    Args:
        text_ids: Token ids of the text, at least one.
        rule: Rate, seed and special tokens.
        epoch: Pass over the corpus; another pass has other masks.
        sequence: Number of the sequence.
    """
    specials = rule.specials
    ids_L = np.concatenate([specials.prefix, text_ids, specials.suffix]).astype(np.int64)
    candidates_L = _candidates(ids_L, len(specials.prefix), len(text_ids), specials)
    key = derive_key("mask", rule.seed, epoch, sequence)
    places_L = np.arange(len(ids_L))
    choice_L = uniforms(random_words(key, _CHOICE, places_L))
    chosen_L = candidates_L & (choice_L < rule.rate)
    if not chosen_L.any():
        # The smallest number is the one that the smallest rate would have chosen.
        chosen_L[np.where(candidates_L, choice_L, np.inf).argmin()] = True
    positions_M = np.flatnonzero(chosen_L)
    targets_M = ids_L[positions_M]
    ids_L[positions_M] = _corrupt(targets_M, positions_M, key, rule)
    return MaskedSequence(ids_L, positions_M, targets_M)


def _candidates(
    ids_L: NDArray[np.int64], first: int, length: int, specials: SpecialTokens
) -> NDArray[np.bool_]:
    inside_L = np.zeros(len(ids_L), dtype=bool)
    inside_L[first : first + length] = True
    ordinary_L = inside_L & ~np.isin(ids_L, specials.reserved)
    return ordinary_L if ordinary_L.any() else inside_L


def _corrupt(
    targets_M: NDArray[np.int64], positions_M: NDArray[np.int64], key: int, rule: MaskRule
) -> NDArray[np.int64]:
    fate_M = uniforms(random_words(key, _FATE, positions_M))
    draw_M = random_words(key, _REPLACEMENT, positions_M) % np.uint64(len(rule.replacements_V))
    other_M = rule.replacements_V[draw_M.astype(np.int64)]
    return np.where(
        fate_M < MASKED,
        rule.specials.mask,
        np.where(fate_M < MASKED + REPLACED, other_M, targets_M),
    )

"""A sequence with its special tokens, before and after masking. L: its tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from domainbert.corpus.token_units import BEGINS_TERM, BEGINS_WORD, IN_TERM

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from domainbert.tokenizer.load import SpecialTokens
    from domainbert.training.data.order import SequenceKey
    from domainbert.training.step import Job


_none: Any = partial(np.empty, 0, dtype=np.int64)


@dataclass(frozen=True)
class Frame:
    """A sequence with its special tokens.

    Args:
        ids_L: int64, as the model reads them.
        units_L: uint8, flags of `corpus.token_units`; none at special tokens.
        inside_L: bool, False at special tokens.
        token_types_L: int64, 0 and 1 for the parts of a pair; None for a single text.
        label: Class of the sequence, None without.
        positions_M: int64, the masked positions, ascending; none before masking.
        targets_M: int64, the original ids there.
    """

    ids_L: NDArray[np.int64]
    units_L: NDArray[np.uint8]
    inside_L: NDArray[np.bool_]
    token_types_L: NDArray[np.int64] | None = None
    label: int | None = None
    positions_M: NDArray[np.int64] = field(default_factory=_none)
    targets_M: NDArray[np.int64] = field(default_factory=_none)

    def masked(self, positions_M: NDArray[np.int64], ids_M: Any) -> Frame:
        """Return the frame with other ids at some positions, the original ones as targets."""
        ids_L, targets_M = self.ids_L.copy(), self.ids_L[positions_M]
        ids_L[positions_M] = ids_M
        return replace(self, ids_L=ids_L, positions_M=positions_M, targets_M=targets_M)


def frame_text(key: SequenceKey, job: Job) -> Frame:
    """Read a sequence of the corpus and set special tokens around it."""
    part, units = slice(key.start, key.stop), job.store.units(key.document)
    text = job.store.ids(key.document)[part], None if units is None else units[part]
    return frame_parts([text], job.masking.specials)


def frame_parts(
    texts: Sequence[tuple[NDArray[Any], NDArray[np.uint8] | None]], specials: SpecialTokens
) -> Frame:
    """Set special tokens around one text or around the two of a pair.

    A word or term that begins before its text does is treated as its part inside.

    Args:
        texts: Ids of each, at least one, and the flags of their token units, if the store has them.
        specials: Tokens before, between and behind.
    """
    pieces: list[tuple[Any, NDArray[np.uint8] | None]] = [(specials.prefix, None)]
    for text in texts:
        pieces += [text, (specials.between or (), None)]
    pieces[-1] = specials.suffix, None
    lengths = [len(ids) for ids, _ in pieces]
    ids_L = np.concatenate([ids for ids, _ in pieces]).astype(np.int64)
    flags = [np.zeros(len(ids), np.uint8) if units is None else units for ids, units in pieces]
    units_L, firsts = np.concatenate(flags), np.cumsum(lengths)[:-1:2]
    units_L[firsts] |= np.where(units_L[firsts] & IN_TERM, BEGINS_TERM, 0).astype(np.uint8)
    units_L[firsts] |= BEGINS_WORD
    return Frame(ids_L, units_L, np.repeat(np.arange(len(pieces)) % 2 > 0, lengths))

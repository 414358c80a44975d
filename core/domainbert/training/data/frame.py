"""A sequence with its special tokens, before and after masking. L: its tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from domainbert.corpus.token_units import BEGINS_TERM, BEGINS_WORD, IN_TERM

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from domainbert.tokenizer.load import SpecialTokens
    from domainbert.training.data.order import SequenceKey
    from domainbert.training.step import Job


@dataclass(frozen=True)
class Frame:
    """A sequence with its special tokens, nothing masked yet.

    Args:
        ids_L: int64.
        units_L: uint8, flags of `corpus.token_units`; none at special tokens.
        inside_L: bool, False at special tokens.
        token_types_L: int64, 0 and 1 for the parts of a pair; None for a single text.
        label: Class of the sequence, None without.
    """

    ids_L: NDArray[np.int64]
    units_L: NDArray[np.uint8]
    inside_L: NDArray[np.bool_]
    token_types_L: NDArray[np.int64] | None = None
    label: int | None = None


@dataclass(frozen=True)
class MaskedSequence:
    """One sequence as the model sees it.

    Args:
        input_ids_L: int64.
        positions_M: int64, the masked positions, ascending; at least one.
        targets_M: int64, the original ids there.
        token_types_L: int64, 0 and 1 for the parts of a pair; None for a single text.
        label: Class of the sequence, None without.
    """

    input_ids_L: NDArray[np.int64]
    positions_M: NDArray[np.int64]
    targets_M: NDArray[np.int64]
    token_types_L: NDArray[np.int64] | None = None
    label: int | None = None


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
    frames = (specials.prefix, *[specials.between or ()] * (len(texts) - 1), specials.suffix)
    total = sum(map(len, frames)) + sum(len(ids) for ids, _ in texts)
    ids_L = np.empty(total, dtype=np.int64)
    units_L = np.zeros(total, dtype=np.uint8)
    inside_L = np.zeros(total, dtype=bool)
    place = len(frames[0])
    ids_L[:place] = frames[0]
    for (ids, units), behind in zip(texts, frames[1:], strict=True):
        stop = place + len(ids)
        ids_L[place:stop], inside_L[place:stop] = ids, True
        if units is not None:
            units_L[place:stop] = units
        units_L[place] |= BEGINS_WORD | (BEGINS_TERM if units_L[place] & IN_TERM else 0)
        ids_L[stop : stop + len(behind)] = behind
        place = stop + len(behind)
    return Frame(ids_L, units_L, inside_L)

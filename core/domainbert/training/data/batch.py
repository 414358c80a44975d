"""From sequence keys to the tensors of a micro-batch, in one of three layouts.

`flat`: one row in which sequences lie one behind the other; `attention.py` keeps them apart.
`rows`: several to a row, kept apart by a mask. `padded`: one a row. The loss is the same.

Legend: B rows, L their length, N masked tokens of the micro-batch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch

from domainbert.model.packed_attention import Runs
from domainbert.training.data.frame import MaskedSequence
from domainbert.training.data.masking import MaskingConfig, mask_frame, mask_sequence
from domainbert.training.data.pairs import frame_pair

if TYPE_CHECKING:
    from torch import Tensor

    from domainbert.corpus.store import TokenStore
    from domainbert.training.data.order import SequenceKey

Layout = Literal["flat", "rows", "padded"]

# Kernels are fastest on such lengths, and every new shape costs memory (see `model.py`).
_MULTIPLE = 8
_FLAT_MULTIPLE = 32


@dataclass(frozen=True)
class MicroBatch:
    """Inputs and targets of one forward pass.

    Args:
        input_ids_BL: int64, right-padded.
        attention_mask_BL: int64, 1 for tokens and 0 for padding; in rows of several sequences it
            counts them from 1; None in a flat batch.
        places_BL: int64, place of each token in its sequence, from 0; None in a padded batch.
        runs: What the row of a flat batch is made of, padding last; else empty.
        positions_N: int64, masked positions in the flattened (B·L) batch.
        targets_N: int64, original ids there.
        n_tokens: Tokens without padding.
        token_types_BL: int64, part of a pair that each token is of; None if the model has no types
            or the recipe no pairs.
        pair_firsts_P: int64, first tokens of the pairs in the flattened batch.
        pair_labels_P: int64, class of each pair.
    """

    input_ids_BL: Tensor
    attention_mask_BL: Tensor | None
    places_BL: Tensor | None
    runs: Runs
    positions_N: Tensor
    targets_N: Tensor
    n_tokens: int
    token_types_BL: Tensor | None = None
    pair_firsts_P: Tensor = field(default_factory=lambda: torch.empty(0, dtype=torch.long))
    pair_labels_P: Tensor = field(default_factory=lambda: torch.empty(0, dtype=torch.long))

    def to(self, device: torch.device) -> MicroBatch:
        """Copy to a device."""
        tensors: dict[str, Any] = {
            name: value.to(device, non_blocking=True)
            for name, value in vars(self).items()
            if isinstance(value, torch.Tensor)
        }
        return replace(self, **tensors)


def masked_batch(
    store: TokenStore, keys: list[SequenceKey], rule: MaskingConfig, layout: Layout, longest: int
) -> MicroBatch:
    """Read and mask the given sequences, and lay them out for a model that reads `longest`."""
    sequences = [masked_sequence(store, key, rule) for key in keys]
    return LAYOUTS[layout](sequences, rule.specials.pad, longest)


def masked_sequence(store: TokenStore, key: SequenceKey, rule: MaskingConfig) -> MaskedSequence:
    """Read one sequence, make a pair of it where the recipe says so, and mask it."""
    if rule.pairs is not None:
        return mask_frame(frame_pair(key, rule.pairs), rule, key.epoch, key.sequence)
    part, marks = slice(key.start, key.stop), store.units(key.document)
    text_ids = store.ids(key.document)[part]
    flags = None if marks is None else marks[part]
    return mask_sequence(text_ids, rule, key.epoch, key.sequence, flags)


def padded_length(tokens: int, longest: int) -> int:
    """Return the length of a batch: round, but with a place in the model for all of it.

    Args:
        tokens: Of its longest sequence.
        longest: Tokens that the model reads.
    """
    return min(_rounded(tokens, _MULTIPLE), longest)


def collate(sequences: list[MaskedSequence], pad_id: int, longest: int) -> MicroBatch:
    """Pad masked sequences to one length.

    Args:
        sequences: At least one.
        pad_id: Id of the padding token.
        longest: Tokens that the model reads.
    """
    length = padded_length(max(len(item.input_ids_L) for item in sequences), longest)
    input_ids_BL = torch.full((len(sequences), length), pad_id, dtype=torch.long)
    attention_mask_BL = torch.zeros((len(sequences), length), dtype=torch.long)
    for row, item in enumerate(sequences):
        n = len(item.input_ids_L)
        input_ids_BL[row, :n] = torch.from_numpy(item.input_ids_L)
        attention_mask_BL[row, :n] = 1
    starts = [row * length for row in range(len(sequences))]
    positions_N, targets_N = _targets(sequences, starts)
    tokens = int(attention_mask_BL.sum())
    return MicroBatch(
        input_ids_BL,
        attention_mask_BL,
        None,
        (),
        positions_N,
        targets_N,
        tokens,
        _token_types(sequences, starts, input_ids_BL),
        *_pairs(sequences, starts),
    )


def flatten(sequences: list[MaskedSequence], pad_id: int, longest: int) -> MicroBatch:
    """Lay masked sequences one behind the other in one row, equal lengths side by side.

    Args:
        sequences: At least one.
        pad_id: Id of the padding token, which fills up the row to a round length.
        longest: Tokens that the model reads.
    """
    ordered = sorted(sequences, key=lambda item: -len(item.input_ids_L))
    lengths = [len(item.input_ids_L) for item in ordered]
    tokens = sum(lengths)
    extra = _rounded(tokens, _FLAT_MULTIPLE) - tokens
    # What fills up is a sequence of its own, so that it reaches no other.
    parts = [*lengths, extra] if extra else lengths
    ids = [*(item.input_ids_L for item in ordered), np.full(extra, pad_id)]
    places = np.concatenate([np.arange(length) for length in parts]) % longest
    starts = np.cumsum([0, *lengths[:-1]]).tolist()
    input_ids_BL = torch.from_numpy(np.concatenate(ids))[None]
    return MicroBatch(
        input_ids_BL,
        None,
        torch.from_numpy(places)[None],
        tuple((len(list(group)), length) for length, group in groupby(parts)),
        *_targets(ordered, starts),
        tokens,
        _token_types(ordered, starts, input_ids_BL),
        *_pairs(ordered, starts),
    )


def fill_rows(sequences: list[MaskedSequence], pad_id: int, longest: int) -> MicroBatch:
    """Lay masked sequences several to a row, each in the first row with room for it.

    Args:
        sequences: At least one; the longest sets the length of the rows.
        pad_id: Id of the padding token.
        longest: Tokens that the model reads.
    """
    ordered = sorted(sequences, key=lambda item: -len(item.input_ids_L))
    length = padded_length(len(ordered[0].input_ids_L), longest)
    filled: list[int] = []
    count: list[int] = []
    ids, mask, places = (np.zeros((len(ordered), length), dtype=np.int64) for _ in range(3))
    ids[:] = pad_id
    starts = []
    for item in ordered:
        size = len(item.input_ids_L)
        row = next((r for r, used in enumerate(filled) if used + size <= length), len(filled))
        if row == len(filled):
            filled.append(0)
            count.append(0)
        here = slice(filled[row], filled[row] + size)
        count[row] += 1
        ids[row, here], mask[row, here], places[row, here] = (
            item.input_ids_L,
            count[row],
            np.arange(size),
        )
        starts.append(row * length + filled[row])
        filled[row] += size
    rows = len(filled)
    input_ids_BL = torch.from_numpy(ids[:rows])
    return MicroBatch(
        input_ids_BL,
        torch.from_numpy(mask[:rows]),
        torch.from_numpy(places[:rows]),
        (),
        *_targets(ordered, starts),
        sum(filled),
        _token_types(ordered, starts, input_ids_BL),
        *_pairs(ordered, starts),
    )


LAYOUTS: dict[Layout, Callable[[list[MaskedSequence], int, int], MicroBatch]] = {
    "flat": flatten,
    "rows": fill_rows,
    "padded": collate,
}


def _rounded(length: int, multiple: int) -> int:
    return -(-length // multiple) * multiple


def _targets(sequences: list[MaskedSequence], starts: list[int]) -> tuple[Tensor, Tensor]:
    """Return masked positions of the flattened batch and the ids that belong there."""
    positions = [item.positions_M + start for item, start in zip(sequences, starts, strict=True)]
    targets = [item.targets_M for item in sequences]
    return torch.from_numpy(np.concatenate(positions)), torch.from_numpy(np.concatenate(targets))


def _token_types(
    sequences: list[MaskedSequence], starts: list[int], input_ids_BL: Tensor
) -> Tensor | None:
    """Return token types of the batch, if the sequences have them; 0 for what fills up."""
    types_T = np.zeros(input_ids_BL.numel(), dtype=np.int64)
    for item, start in zip(sequences, starts, strict=True):
        if item.token_types_L is None:
            return None
        types_T[start : start + len(item.input_ids_L)] = item.token_types_L
    return torch.from_numpy(types_T).view_as(input_ids_BL)


def _pairs(sequences: list[MaskedSequence], starts: list[int]) -> tuple[Tensor, Tensor]:
    """Return first tokens of the pairs in the flattened batch, and their classes."""
    pairs = [
        (start, item.pair_label)
        for item, start in zip(sequences, starts, strict=True)
        if item.pair_label is not None
    ]
    firsts_P, labels_P = torch.tensor(pairs, dtype=torch.long).reshape(-1, 2).unbind(dim=1)
    return firsts_P, labels_P

"""From sequence keys to the tensors of a micro-batch, in one of three layouts.

`flat`: one row of sequences one behind the other; `model.packed_attention` keeps them apart.
`rows`: several to a row, kept apart by a mask. `padded`: one per row. The loss is the same.

Legend: B rows, L their length, N masked tokens, P labelled sequences of the micro-batch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch

from domainbert.model.packed_attention import Runs
from domainbert.plugin.registry import calling
from domainbert.training.data.frame import MaskedSequence, frame_text
from domainbert.training.data.masking import mask_frame

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from domainbert.training.data.order import SequenceKey
    from domainbert.training.step import Job

Layout = Literal["flat", "rows", "padded"]

# Kernels are fastest on such lengths, and every new shape costs memory (see `losses.py`).
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
        runs: Lengths of the sequences in the row of a flat batch, padding last; else empty.
        positions_N: int64, masked positions in the flattened (B·L) batch.
        targets_N: int64, original ids there.
        n_tokens: Tokens without padding.
        token_types_BL: int64, part of a pair that each token is of; None without types.
        firsts_P: int64, first tokens of the labelled sequences in the flattened batch.
        labels_P: int64, their classes.
    """

    input_ids_BL: Tensor
    attention_mask_BL: Tensor | None
    places_BL: Tensor | None
    runs: Runs
    positions_N: Tensor
    targets_N: Tensor
    n_tokens: int
    token_types_BL: Tensor | None
    firsts_P: Tensor
    labels_P: Tensor

    def to(self, device: torch.device) -> MicroBatch:
        """Copy to a device."""
        tensors: dict[str, Any] = {
            name: value.to(device, non_blocking=True)
            for name, value in vars(self).items()
            if isinstance(value, torch.Tensor)
        }
        return replace(self, **tensors)


def masked_batch(job: Job, keys: list[SequenceKey], longest: int) -> MicroBatch:
    """Read and mask the given sequences, and lay them out for a model that reads `longest`."""
    sequences = [masked_sequence(job, key) for key in keys]
    return LAYOUTS[job.layout](sequences, job.masking.specials.pad, longest)


def masked_sequence(job: Job, key: SequenceKey) -> MaskedSequence:
    """Read one sequence, in the way of the objective that frames sequences, and mask it."""
    for objective in job.objectives:
        if objective.frame is not None:
            with calling(objective):
                frame = objective.frame(key, job)
            break
    else:
        frame = frame_text(key, job)
    return mask_frame(frame, job.masking, key.epoch, key.sequence)


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
    ids_BL = np.full((len(sequences), length), pad_id, dtype=np.int64)
    mask_BL = np.zeros_like(ids_BL)
    for row, item in enumerate(sequences):
        ids_BL[row, : len(item.input_ids_L)] = item.input_ids_L
        mask_BL[row, : len(item.input_ids_L)] = 1
    starts = [row * length for row in range(len(sequences))]
    return _batch(sequences, starts, ids_BL, mask_BL=mask_BL)


def flatten(sequences: list[MaskedSequence], pad_id: int, longest: int) -> MicroBatch:
    """Lay masked sequences one behind the other in one row, equal lengths side by side.

    Args:
        sequences: At least one.
        pad_id: Id of the padding token, which fills up the row to a round length.
        longest: Tokens that the model reads.
    """
    ordered = sorted(sequences, key=lambda item: -len(item.input_ids_L))
    lengths = [len(item.input_ids_L) for item in ordered]
    extra = _rounded(sum(lengths), _FLAT_MULTIPLE) - sum(lengths)
    # Padding is a sequence too, so that it reaches no other.
    parts = [*lengths, extra] if extra else lengths
    ids_BL = np.concatenate([*(item.input_ids_L for item in ordered), np.full(extra, pad_id)])[None]
    places_BL = np.concatenate([np.arange(length) for length in parts])[None] % longest
    runs = tuple((len(list(group)), length) for length, group in groupby(parts))
    starts = np.cumsum([0, *lengths[:-1]]).tolist()
    return _batch(ordered, starts, ids_BL, places_BL=places_BL, runs=runs)


def fill_rows(sequences: list[MaskedSequence], pad_id: int, longest: int) -> MicroBatch:
    """Lay masked sequences several to a row, each in the first row with room for it.

    Args:
        sequences: At least one; the longest sets the length of the rows.
        pad_id: Id of the padding token.
        longest: Tokens that the model reads.
    """
    ordered = sorted(sequences, key=lambda item: -len(item.input_ids_L))
    length = padded_length(len(ordered[0].input_ids_L), longest)
    ids_BL, mask_BL, places_BL = np.zeros((3, len(ordered), length), dtype=np.int64)
    ids_BL[:] = pad_id
    filled: list[int] = []
    starts = []
    for item in ordered:
        size = len(item.input_ids_L)
        row = next((r for r, used in enumerate(filled) if used + size <= length), len(filled))
        if row == len(filled):
            filled.append(0)
        first = filled[row]
        here = slice(first, first + size)
        mask_BL[row, here] = mask_BL[row].max() + 1
        ids_BL[row, here], places_BL[row, here] = item.input_ids_L, np.arange(size)
        starts.append(row * length + first)
        filled[row] += size
    rows = slice(len(filled))
    return _batch(ordered, starts, ids_BL[rows], mask_BL=mask_BL[rows], places_BL=places_BL[rows])


LAYOUTS: dict[Layout, Callable[[list[MaskedSequence], int, int], MicroBatch]] = {
    "flat": flatten,
    "rows": fill_rows,
    "padded": collate,
}


def _rounded(length: int, multiple: int) -> int:
    return -(-length // multiple) * multiple


def _batch(
    sequences: list[MaskedSequence],
    starts: list[int],
    ids_BL: NDArray[np.int64],
    mask_BL: NDArray[np.int64] | None = None,
    places_BL: NDArray[np.int64] | None = None,
    runs: Runs = (),
) -> MicroBatch:
    """Return the micro-batch of sequences that start at given places of the flattened batch."""
    placed = list(zip(sequences, starts, strict=True))
    types_T: NDArray[np.int64] | None = np.zeros(ids_BL.size, dtype=np.int64)
    for item, start in placed:
        if item.token_types_L is None or types_T is None:
            types_T = None
        else:
            types_T[start : start + len(item.token_types_L)] = item.token_types_L
    labelled = [(start, item.label) for item, start in placed if item.label is not None]
    firsts_P, labels_P = torch.tensor(labelled, dtype=torch.long).reshape(-1, 2).unbind(dim=1)
    return MicroBatch(
        input_ids_BL=torch.from_numpy(ids_BL),
        attention_mask_BL=None if mask_BL is None else torch.from_numpy(mask_BL),
        places_BL=None if places_BL is None else torch.from_numpy(places_BL),
        runs=runs,
        positions_N=torch.from_numpy(
            np.concatenate([i.positions_M + start for i, start in placed])
        ),
        targets_N=torch.from_numpy(np.concatenate([item.targets_M for item in sequences])),
        n_tokens=sum(len(item.input_ids_L) for item in sequences),
        token_types_BL=None if types_T is None else torch.from_numpy(types_T.reshape(ids_BL.shape)),
        firsts_P=firsts_P,
        labels_P=labels_P,
    )

"""From sequence keys to the tensors of a micro-batch, in one of three layouts.

`flat`: one row of sequences one behind the other; `model.packed_attention` keeps them apart.
`rows`: several to a row, kept apart by a mask. `padded`: one per row. The loss is the same.

Legend: B rows, L their length, N masked tokens, P labelled sequences of the micro-batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from torch import Tensor

from domainbert.model.packed_attention import Runs
from domainbert.plugin.registry import calling
from domainbert.training.data.frame import Frame, frame_text
from domainbert.training.data.masking import mask_frame

if TYPE_CHECKING:
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
            numbers them from 1; None in a flat batch.
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
        tensors = {name: value for name, value in vars(self).items() if torch.is_tensor(value)}
        moved: Any = {name: value.to(device, non_blocking=True) for name, value in tensors.items()}
        return replace(self, **moved)


def masked_batch(job: Job, keys: list[SequenceKey], longest: int) -> MicroBatch:
    """Read and mask the given sequences, and lay them out for a model that reads `longest`."""
    sequences = [masked_sequence(job, key) for key in keys]
    return LAYOUTS[job.layout](sequences, job.masking.specials.pad, longest)


def masked_sequence(job: Job, key: SequenceKey) -> Frame:
    """Read one sequence, in the way of the objective that frames sequences, and mask it."""
    framing = next((objective for objective in job.objectives if objective.frame), None)
    if framing is None or framing.frame is None:
        frame = frame_text(key, job)
    else:
        with calling(framing):
            frame = framing.frame(key, job)
    return mask_frame(frame, job.masking, key.epoch, key.sequence)


def padded_length(tokens: int, longest: int) -> int:
    """Return the length of a batch: round, but with a place in the model for all of it.

    Args:
        tokens: Of its longest sequence.
        longest: Tokens that the model reads.
    """
    return min(_rounded(tokens, _MULTIPLE), longest)


def collate(sequences: list[Frame], pad_id: int, longest: int) -> MicroBatch:
    """Pad masked sequences to one length.

    Args:
        sequences: At least one.
        pad_id: Id of the padding token.
        longest: Tokens that the model reads.
    """
    length = padded_length(max(len(item.ids_L) for item in sequences), longest)
    starts = range(0, len(sequences) * length, length)
    return _lay("padded", sequences, starts, (len(sequences), length), pad_id)


def flatten(sequences: list[Frame], pad_id: int, longest: int) -> MicroBatch:
    """Lay masked sequences one behind the other in one row, equal lengths side by side.

    Args:
        sequences: At least one.
        pad_id: Id of the padding token, which fills up the row to a round length.
        longest: Tokens that the model reads.
    """
    ordered = sorted(sequences, key=lambda item: -len(item.ids_L))
    lengths = [len(item.ids_L) for item in ordered]
    total = _rounded(sum(lengths), _FLAT_MULTIPLE)
    # Padding is a sequence too, so that it reaches no other.
    parts = [*lengths, total - sum(lengths)] if total > sum(lengths) else lengths
    runs = tuple((len(list(group)), length) for length, group in groupby(parts))
    batch = _lay("flat", ordered, np.cumsum([0, *lengths[:-1]]).tolist(), (1, total), pad_id)
    return replace(batch, runs=runs)


def fill_rows(sequences: list[Frame], pad_id: int, longest: int) -> MicroBatch:
    """Lay masked sequences several to a row, each in the first row with room for it.

    Args:
        sequences: At least one; the longest sets the length of the rows.
        pad_id: Id of the padding token.
        longest: Tokens that the model reads.
    """
    ordered = sorted(sequences, key=lambda item: -len(item.ids_L))
    length = padded_length(len(ordered[0].ids_L), longest)
    filled: list[int] = []
    starts = []
    for size in (len(item.ids_L) for item in ordered):
        row = next((r for r, used in enumerate(filled) if used + size <= length), len(filled))
        filled += [0] * (row == len(filled))
        starts.append(row * length + filled[row])
        filled[row] += size
    return _lay("rows", ordered, starts, (len(filled), length), pad_id)


LAYOUTS: dict[Layout, Any] = {"flat": flatten, "rows": fill_rows, "padded": collate}


def _rounded(length: int, multiple: int) -> int:
    return -(-length // multiple) * multiple


def _lay(
    layout: Layout,
    sequences: list[Frame],
    starts: Sequence[int],
    shape: tuple[int, int],
    pad_id: int,
) -> MicroBatch:
    """Return the micro-batch of sequences that start at given places of the flattened batch."""
    values = np.zeros((4, shape[0] * shape[1]), dtype=np.int64)
    values[0] = pad_id
    for number, (item, start) in enumerate(zip(sequences, starts, strict=True), start=1):
        size, types_L = len(item.ids_L), item.token_types_L
        numbers_L = np.full(size, 1 if layout == "padded" else number)
        rows = item.ids_L, numbers_L, np.arange(size), 0 * numbers_L if types_L is None else types_L
        values[:, start : start + size] = rows
    input_ids_BL, numbers_BL, places_BL, types_BL = torch.from_numpy(values.reshape(4, *shape))
    typed = all(item.token_types_L is not None for item in sequences)
    pairs = zip(sequences, starts, strict=True)
    labelled = [(start, item.label) for item, start in pairs if item.label is not None]
    firsts_P, labels_P = torch.tensor(labelled, dtype=torch.long).reshape(-1, 2).unbind(dim=1)
    positions = [item.positions_M + start for item, start in zip(sequences, starts, strict=True)]
    return MicroBatch(
        input_ids_BL=input_ids_BL,
        attention_mask_BL=None if layout == "flat" else numbers_BL,
        places_BL=None if layout == "padded" else places_BL,
        runs=(),
        positions_N=torch.from_numpy(np.concatenate(positions)),
        targets_N=torch.from_numpy(np.concatenate([item.targets_M for item in sequences])),
        n_tokens=sum(len(item.ids_L) for item in sequences),
        token_types_BL=types_BL if typed else None,
        firsts_P=firsts_P,
        labels_P=labels_P,
    )

"""From sequence keys to the tensors of a micro-batch.

Legend: B sequences, L padded length, N masked tokens of the micro-batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from domainbert.training.masking import MaskedSequence, MaskRule, mask_sequence

if TYPE_CHECKING:
    from torch import Tensor

    from domainbert.corpus.store import TokenStore
    from domainbert.training.order import SequenceKey

# Kernels are fastest on such lengths, and every new shape costs memory (see `model.py`).
_MULTIPLE = 8


@dataclass(frozen=True)
class MicroBatch:
    """Inputs and targets of one forward pass.

    Args:
        input_ids_BL: int64, right-padded.
        attention_mask_BL: int64, 1 for tokens and 0 for padding.
        positions_N: int64, masked positions in the flattened (B·L) batch.
        targets_N: int64, original ids there.
        n_tokens: Tokens without padding.
    """

    input_ids_BL: Tensor
    attention_mask_BL: Tensor
    positions_N: Tensor
    targets_N: Tensor
    n_tokens: int

    def to(self, device: torch.device) -> MicroBatch:
        """Copy to a device."""
        return MicroBatch(
            self.input_ids_BL.to(device),
            self.attention_mask_BL.to(device),
            self.positions_N.to(device),
            self.targets_N.to(device),
            self.n_tokens,
        )


def masked_batch(store: TokenStore, keys: list[SequenceKey], rule: MaskRule) -> MicroBatch:
    """Read, mask and pad the given sequences."""
    sequences = [
        mask_sequence(store.ids(key.document)[key.start : key.stop], rule, key.epoch, key.sequence)
        for key in keys
    ]
    return collate(sequences, rule.specials.pad)


def padded_length(longest: int) -> int:
    """Return the length of a batch whose longest sequence is given."""
    return -(-longest // _MULTIPLE) * _MULTIPLE


def collate(sequences: list[MaskedSequence], pad_id: int) -> MicroBatch:
    """Pad masked sequences to one length.

    Args:
        sequences: At least one.
        pad_id: Id of the padding token.
    """
    length = padded_length(max(len(item.input_ids_L) for item in sequences))
    input_ids_BL = torch.full((len(sequences), length), pad_id, dtype=torch.long)
    attention_mask_BL = torch.zeros((len(sequences), length), dtype=torch.long)
    positions, targets = [], []
    for row, item in enumerate(sequences):
        n = len(item.input_ids_L)
        input_ids_BL[row, :n] = torch.from_numpy(item.input_ids_L)
        attention_mask_BL[row, :n] = 1
        positions.append(torch.from_numpy(item.positions_M) + row * length)
        targets.append(torch.from_numpy(item.targets_M))
    return MicroBatch(
        input_ids_BL,
        attention_mask_BL,
        torch.cat(positions),
        torch.cat(targets),
        int(attention_mask_BL.sum()),
    )

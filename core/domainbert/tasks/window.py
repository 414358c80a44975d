"""Windows of a batch as tensors."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from domainbert.plugin.domain import Window
from domainbert.training.data.batch import padded_length

__all__ = ["Window", "pad_windows"]


def pad_windows(
    batch: Sequence[Window], pad: int, longest: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return token ids and attention mask of a batch; int64, shape (B, L).

    Args:
        batch: Windows, at least one.
        pad: Id of the padding token.
        longest: Tokens that the model reads.
    """
    length = padded_length(max(len(window.input_ids) for window in batch), longest)
    input_ids_BL = torch.full((len(batch), length), pad, dtype=torch.long)
    mask_BL = torch.zeros((len(batch), length), dtype=torch.long)
    for row, window in enumerate(batch):
        input_ids_BL[row, : len(window.input_ids)] = torch.tensor(window.input_ids)
        mask_BL[row, : len(window.input_ids)] = 1
    return input_ids_BL, mask_BL

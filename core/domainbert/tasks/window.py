"""A piece of a record that a model reads at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from domainbert.training.data.batch import padded_length


@dataclass(frozen=True)
class Window:
    """Part of a sentence or text that fits the model.

    Args:
        record: Number of the sentence or example.
        input_ids: Token ids, special tokens included.
        words: Numbers of the words that are scored here (tagging).
        positions: Where in `input_ids` the first piece of each stands.
        weight: Share of the record's loss that this window carries; 1 in all for each text.
    """

    record: int
    input_ids: tuple[int, ...]
    words: tuple[int, ...] = ()
    positions: tuple[int, ...] = ()
    weight: float = 1.0


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

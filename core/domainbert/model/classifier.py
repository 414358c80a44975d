"""An encoder with a new classifier on top: the same for every family and every checkpoint.

transformers' own task classes differ between families, and take weights of pooler or head from a
checkpoint that has them; base and adapted model would then not start alike.

Legend: B windows, L length, H hidden size, W scored words, C outputs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from domainbert.errors import BaseModelError
from domainbert.keyed_random import derive_key
from domainbert.model.load import from_folder
from domainbert.model.masked_lm import first_non_finite


class Classifier(nn.Module):
    """Scores words by their first piece, or texts by the mean of their token vectors.

    Args:
        encoder: A transformers model that gives `last_hidden_state`.
        n_outputs: Number of classes or tags.
    """

    def __init__(self, encoder: Any, n_outputs: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.dropout = nn.Dropout(0.1)
        self.classifier = nn.Linear(encoder.config.hidden_size, n_outputs)

    def score_words(
        self, input_ids_BL: Tensor, mask_BL: Tensor, rows_W: Tensor, columns_W: Tensor
    ) -> Tensor:
        """Return float32 scores of the words at given places, shape (W, C)."""
        hidden_BLH = self.encoder(input_ids_BL, attention_mask=mask_BL).last_hidden_state
        scores_WC: Tensor = self.classifier(self.dropout(hidden_BLH)[rows_W, columns_W])
        return scores_WC.float()

    def score_texts(self, input_ids_BL: Tensor, mask_BL: Tensor) -> Tensor:
        """Return float32 scores of texts, shape (B, C)."""
        hidden_BLH = self.encoder(input_ids_BL, attention_mask=mask_BL).last_hidden_state
        weight_BL1 = mask_BL.unsqueeze(-1).to(hidden_BLH.dtype)
        mean_BH = (hidden_BLH * weight_BL1).sum(dim=1) / weight_BL1.sum(dim=1)
        scores_BC: Tensor = self.classifier(self.dropout(mean_BH))
        return scores_BC.float()


def load_classifier(folder: Path, n_outputs: int) -> Classifier:
    """Load an encoder and put a classifier on it, which `draw_classifier` has to draw.

    Raises:
        BaseModelError: The folder holds no encoder that can be fine-tuned, or one with NaN.
    """
    from transformers import AutoModel

    encoder = from_folder(AutoModel, folder, f"{folder}: cannot be fine-tuned")
    if getattr(encoder, "pooler", None) is not None:
        encoder.pooler = None  # not used, and drawn at random where a checkpoint has none
    if broken := first_non_finite(encoder):
        raise BaseModelError(f"{folder}: {broken} holds values that are not finite.")
    return Classifier(encoder, n_outputs)


def draw_classifier(model: Classifier, seed: int) -> None:
    """Draw the classifier, equal for every encoder of one size."""
    torch.manual_seed(derive_key("classifier", seed))
    # On the CPU, so that a seed means the same on every device.
    drawn_CH = nn.init.normal_(torch.empty(model.classifier.weight.shape), std=0.02)
    with torch.no_grad():
        model.classifier.weight.copy_(drawn_CH)
        model.classifier.bias.zero_()

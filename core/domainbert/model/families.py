"""What each family of encoders needs to predict masked positions only and to read packed batches.

A family that is not in the table computes all logits and is padded: slower, not different.
Legend: B sequences, L length, H hidden size.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from torch import Tensor

    from domainbert.training.data.batch import Layout

LAYER = re.compile(r"(?:^|\.)layers?\.(\d+)\.")
"""Number of a layer in the name of a parameter, in every family that numbers its layers."""

HEADS = "objective_heads"
"""Module of a model in training that holds the heads of objectives; no exported model has it."""


@dataclass(frozen=True)
class Family:
    """One family of encoders.

    Args:
        head: Modules from the last hidden state to logits, in order. All work on the last dimension
            alone, so they may be given the masked rows only.
        in_rows: Reads rows of several sequences, where a flat batch is not possible: attention by
            relative places, the same wherever in a row a sequence lies.
        flat: Further inputs of the encoder for a flat batch.
    """

    head: tuple[str, ...]
    in_rows: Callable[[Any, dict[str, Any], Tensor], Tensor] | None = None
    flat: Mapping[str, Any] = field(default_factory=dict)


def _deberta_in_rows(encoder: Any, inputs: dict[str, Any], mask_BL: Tensor) -> Tensor:
    # Its own forward pass hands one mask to embeddings and layers, which want different ones.
    embedded_BLH = encoder.embeddings(**inputs, mask=mask_BL.clamp(max=1))
    return cast("Tensor", encoder.encoder(embedded_BLH, _same_sequence(mask_BL))[0])


def _mpnet_in_rows(encoder: Any, inputs: dict[str, Any], mask_BL: Tensor) -> Tensor:
    import torch

    lowest = torch.finfo(torch.float32).min
    bias_B1LL = torch.where(_same_sequence(mask_BL), 0.0, lowest)[:, None]
    return cast("Tensor", encoder(**inputs, attention_mask=bias_B1LL)[0])


def _same_sequence(mask_BL: Tensor) -> Tensor:
    """Return which token may attend to which, bool (B, L, L): those of the same sequence."""
    return (mask_BL[:, :, None] == mask_BL[:, None, :]) & (mask_BL[:, :, None] > 0)


# ModernBERT draws a mask of tokens by tokens for its local layers unless masks are given.
_NO_MASKS = {"attention_mask": {"full_attention": None, "sliding_attention": None}}

FAMILIES: dict[str, Family] = {
    "albert": Family(("predictions",)),
    "bert": Family(("cls",)),
    "camembert": Family(("lm_head",)),
    "deberta-v2": Family(("cls",), in_rows=_deberta_in_rows),
    "distilbert": Family(("vocab_transform", "activation", "vocab_layer_norm", "vocab_projector")),
    "electra": Family(("generator_predictions", "generator_lm_head")),
    "modernbert": Family(("head", "decoder"), flat=_NO_MASKS),
    "mpnet": Family(("lm_head",), in_rows=_mpnet_in_rows),
    "roberta": Family(("lm_head",)),
    "xlm-roberta": Family(("lm_head",)),
}


def family_of(model: Any) -> Family | None:
    """Return the family of a masked language model, or None if it is unknown or built otherwise."""
    family = FAMILIES.get(model.config.model_type)
    return family if family and all(hasattr(model, name) for name in family.head) else None


def calls_interface(model: Any) -> bool:
    """Tell whether a model, with a head or without, attends through transformers' interface."""
    family = FAMILIES.get(model.config.model_type)
    return family is not None and family.in_rows is None


def layout_of(model: Any) -> Layout:
    """Return the layout with the least padding that a model can read."""
    family = family_of(model)
    if family is None:
        return "padded"
    # A convolution, which some DeBERTa have, would reach into the neighbour.
    convolution = getattr(getattr(model.base_model, "encoder", None), "conv", None)
    return "flat" if calls_interface(model) else "padded" if convolution else "rows"

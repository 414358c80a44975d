"""A masked language model whose vocabulary projection runs only where something is predicted.

At 15 % masking the dense path computes, and keeps for the backward pass, six to seven times as many
logits as it needs; with 30,000 words and a small encoder that is most of the step.

Legend: B sequences, L length, T = B·L tokens, H hidden size, N masked tokens, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import nn

from domainbert.model.families import HEADS, family_of
from domainbert.model.load import first_place
from domainbert.model.packed_attention import attends_within

if TYPE_CHECKING:
    from torch import Tensor

    from domainbert.training.data.batch import MicroBatch


class MaskedLanguageModel(nn.Module):
    """Wraps a `*ForMaskedLM` model and returns logits at masked positions only.

    Args:
        model: Any masked language model of transformers. Families without an entry in
            `model.families` compute all logits. To read flat batches it needs the attention of
            `attend_within` first.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model
        self.family = family_of(model)

    def logits(self, batch: MicroBatch) -> Tensor:
        """Return float32 logits at the masked positions, shape (N, V)."""
        return self.read(batch, with_hidden=False)[0]

    def read(self, batch: MicroBatch, with_hidden: bool) -> tuple[Tensor, Tensor | None]:
        """Return logits at the masked positions and the last hidden states, shape (T, H).

        Args:
            batch: The micro-batch.
            with_hidden: Whether hidden states are needed; without, they may be None.
        """
        if self.family is None:
            output = self.model(**self._inputs(batch), output_hidden_states=with_hidden)
            dense_NV = output.logits.flatten(0, 1).index_select(0, batch.positions_N)
            last = output.hidden_states[-1].flatten(0, 1) if with_hidden else None
            return dense_NV.float(), last
        hidden_TH = self._hidden(batch).flatten(0, 1)
        values: Tensor = hidden_TH.index_select(0, batch.positions_N)
        for name in self.family.head:
            values = getattr(self.model, name)(values)
        return values.float(), hidden_TH

    def _hidden(self, batch: MicroBatch) -> Tensor:
        encoder, inputs, family = self.model.base_model, self._inputs(batch), self.family
        if batch.runs and not attends_within(self.model):
            raise ValueError("a flat batch, but attention would reach across sequences")
        if batch.runs and family:
            inputs |= family.flat
        elif family and family.in_rows and batch.places_BL is not None:
            return family.in_rows(encoder, inputs, cast("Tensor", batch.attention_mask_BL))
        return cast("Tensor", encoder(**inputs).last_hidden_state)

    def _inputs(self, batch: MicroBatch) -> dict[str, Any]:
        inputs: dict[str, Any] = {"input_ids": batch.input_ids_BL}
        if batch.token_types_BL is not None:
            inputs["token_type_ids"] = batch.token_types_BL
        if batch.places_BL is None:
            return {**inputs, "attention_mask": batch.attention_mask_BL}
        inputs["position_ids"] = batch.places_BL + first_place(self.model.base_model)
        return {**inputs, "runs": batch.runs} if batch.runs else inputs


def attach_head(model: Any, name: str, head: nn.Module) -> None:
    """Make the head of an objective a part of a model, unless it has one of that name."""
    if not hasattr(model, HEADS):
        model.add_module(HEADS, nn.ModuleDict())
    if name not in (heads := getattr(model, HEADS)):
        heads[name] = head.to(next(model.parameters()).device)


@contextmanager
def without_heads(model: Any) -> Iterator[None]:
    """Take the heads of objectives off in the block: the model is then what transformers knows."""
    heads = model._modules.pop(HEADS, None)
    try:
        yield
    finally:
        if heads is not None:
            model.add_module(HEADS, heads)


def head_parameters(model: Any) -> list[str]:
    """Return the names of the parameters outside the encoder; tied embeddings belong to it.

    Names do not tell: some families list a tied weight under its name in the head.
    """
    encoder = {id(parameter) for parameter in model.base_model.parameters()}
    return [name for name, p in model.named_parameters() if id(p) not in encoder]


def set_dropout(model: nn.Module, probability: float) -> None:
    """Set every dropout of a model, leaving its configuration as published.

    Some families keep the attention dropout as a number on the module rather than as a layer.
    """
    for place, module in model.named_modules():
        if isinstance(module, nn.Dropout) and "lora_dropout" not in place:  # it has its own
            module.p = probability
        for name, value in vars(module).items():
            if "dropout" in name and isinstance(value, float):
                setattr(module, name, probability)


def first_non_finite(model: nn.Module) -> str | None:
    """Return the name of a parameter with NaN or infinity, in this process's shard, or None."""
    for name, parameter in model.named_parameters():
        mine = getattr(parameter, "to_local", lambda own=parameter: own)()
        if not torch.isfinite(mine).all():
            return name
    return None

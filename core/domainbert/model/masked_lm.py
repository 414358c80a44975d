"""A masked language model whose vocabulary projection runs only where something is predicted.

At 15 % masking the dense path computes, and keeps for the backward pass, six to seven times as many
logits as it needs; with 30,000 words and a small encoder that is most of the step.

Legend: B sequences, L length, H hidden size, N masked tokens, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn import functional

from domainbert.model import packed_attention as attention
from domainbert.model import pair_head

if TYPE_CHECKING:
    from torch import Tensor

    from domainbert.training.data.batch import Layout, MicroBatch

_ROWS = 32
_PAIRS = 8
_IGNORED = -100
# The modules that turn the encoder's last hidden state into logits, in order. All work on the last
# dimension alone, so they may be given the masked rows only.
_HEADS: dict[str, tuple[str, ...]] = {
    "albert": ("predictions",),
    "bert": ("cls",),
    "camembert": ("lm_head",),
    "deberta-v2": ("cls",),
    "distilbert": ("vocab_transform", "activation", "vocab_layer_norm", "vocab_projector"),
    "electra": ("generator_predictions", "generator_lm_head"),
    "modernbert": ("head", "decoder"),
    "mpnet": ("lm_head",),
    "roberta": ("lm_head",),
    "xlm-roberta": ("lm_head",),
}


class MaskedLanguageModel(nn.Module):
    """Wraps a `*ForMaskedLM` model and returns summed losses instead of averaged ones.

    Args:
        model: Any masked language model of transformers. Families that are not in the table above
            compute all logits and are slower, not different; see `is_sparse`. To read flat batches
            it needs the attention of `attend_within` first.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model
        self.head = _head(model)

    @property
    def pairs(self) -> bool:
        """Whether the model also tells the classes of pairs."""
        return hasattr(self.model, pair_head.NAME)

    def logits(self, batch: MicroBatch) -> Tensor:
        """Return float32 logits at the masked positions, shape (N, V)."""
        return self._read(batch)[0]

    def _read(self, batch: MicroBatch) -> tuple[Tensor, Tensor]:
        """Return logits at the masked positions and the last hidden states, shape (B·L, H)."""
        if not self.head:
            more = {"output_hidden_states": True} if self.pairs else {}
            found = self.model(**self._inputs(batch), **more)
            dense_NV = found.logits.flatten(0, 1).index_select(0, batch.positions_N)
            hidden_BLH = found.hidden_states[-1] if self.pairs else found.logits
            return dense_NV.float(), hidden_BLH.flatten(0, 1)
        hidden_BLH = self._hidden(batch)
        values: Tensor = hidden_BLH.flatten(0, 1).index_select(0, batch.positions_N)
        for name in self.head:
            values = getattr(self.model, name)(values)
        return values.float(), hidden_BLH.flatten(0, 1)

    def forward(self, batch: MicroBatch) -> Tensor:
        """Return the sum of the cross-entropies of all masked tokens, in nats; float32 scalar.

        A model with a head for pairs returns two numbers: this, and the sum over all pairs. The
        caller divides by the numbers of masked tokens and of pairs of the whole optimizer step. An
        average taken here would weigh tokens by how full their micro-batch is.
        """
        # Few distinct shapes: for each new one the CPU's matrix library keeps a prepared kernel;
        # with hundreds of different N these came to gigabytes.
        extra = -len(batch.targets_N) % _ROWS
        targets_N = functional.pad(batch.targets_N, (0, extra), value=_IGNORED)
        rounded = replace(batch, positions_N=functional.pad(batch.positions_N, (0, extra)))
        logits_NV, hidden_TH = self._read(rounded)
        nats = _summed(logits_NV, targets_N)
        if not self.pairs:
            return nats
        # One ignored row at least, so that the head has a gradient in a batch without pairs too.
        extra = _PAIRS - len(batch.pair_labels_P) % _PAIRS
        firsts_P = functional.pad(batch.pair_firsts_P, (0, extra))
        labels_P = functional.pad(batch.pair_labels_P, (0, extra), value=_IGNORED)
        logits_P2 = getattr(self.model, pair_head.NAME)(hidden_TH.index_select(0, firsts_P))
        return torch.stack([nats, _summed(logits_P2, labels_P)])

    def _hidden(self, batch: MicroBatch) -> Tensor:
        encoder, family = self.model.base_model, self.model.config.model_type
        if batch.runs and not attention.attends_within(self.model):
            raise ValueError("a flat batch, but attention would reach from sequence to sequence")
        if batch.runs and family == "modernbert":
            # Without masks given it would draw one of tokens by tokens for its local layers.
            nothing = {"full_attention": None, "sliding_attention": None}
            return encoder(**self._inputs(batch), attention_mask=nothing).last_hidden_state
        if batch.places_BL is not None and not batch.runs:
            return _IN_ROWS[family](encoder, self._inputs(batch), batch.attention_mask_BL)
        return encoder(**self._inputs(batch)).last_hidden_state

    def _inputs(self, batch: MicroBatch) -> dict[str, Any]:
        inputs: dict[str, Any] = {"input_ids": batch.input_ids_BL}
        if batch.token_types_BL is not None:
            inputs["token_type_ids"] = batch.token_types_BL
        if batch.places_BL is None:
            return {**inputs, "attention_mask": batch.attention_mask_BL}
        inputs["position_ids"] = batch.places_BL + _first_place(self.model.base_model)
        return {**inputs, "runs": batch.runs} if batch.runs else inputs


def _head(model: Any) -> tuple[str, ...]:
    names = _HEADS.get(model.config.model_type, ())
    return names if all(hasattr(model, name) for name in names) else ()


def is_sparse(model: Any) -> bool:
    """Tell whether only masked positions of a model are projected to the vocabulary."""
    return bool(_head(model))


def layout_of(model: Any) -> Layout:
    """Return the layout with the least padding that a model can read."""
    family = model.config.model_type
    if not is_sparse(model):
        return "padded"
    if family in attention.FAMILIES:
        return "flat"
    # A convolution, which some DeBERTa have, would reach into the neighbour.
    alone = getattr(getattr(model.base_model, "encoder", None), "conv", None) is None
    return "rows" if family in _IN_ROWS and alone else "padded"


def _deberta_in_rows(encoder: Any, inputs: dict[str, Any], mask_BL: Tensor) -> Tensor:
    # Its own forward pass hands one mask to embeddings and layers, which want different ones.
    embedded_BLH = encoder.embeddings(**inputs, mask=mask_BL.clamp(max=1))
    return encoder.encoder(embedded_BLH, _same_sequence(mask_BL)).last_hidden_state


def _mpnet_in_rows(encoder: Any, inputs: dict[str, Any], mask_BL: Tensor) -> Tensor:
    lowest = torch.finfo(torch.float32).min
    bias_B1LL = torch.where(_same_sequence(mask_BL), 0.0, lowest)[:, None]
    return encoder(**inputs, attention_mask=bias_B1LL).last_hidden_state


# Families with attention of their own, by relative places: the same wherever in a row they are.
_IN_ROWS: dict[str, Callable[[Any, dict[str, Any], Any], Any]] = {
    "deberta-v2": _deberta_in_rows,
    "mpnet": _mpnet_in_rows,
}


def _same_sequence(mask_BL: Tensor) -> Tensor:
    """Return which token may attend to which, bool (B, L, L): those of its own sequence."""
    return (mask_BL[:, :, None] == mask_BL[:, None, :]) & (mask_BL[:, :, None] > 0)


def _summed(logits_ND: Tensor, targets_N: Tensor) -> Tensor:
    return functional.cross_entropy(logits_ND, targets_N, reduction="sum", ignore_index=_IGNORED)


def _first_place(encoder: nn.Module) -> int:
    """Return the position id of a first token: RoBERTa's kin count from behind the padding's."""
    table = getattr(getattr(encoder, "embeddings", None), "position_embeddings", None)
    padding = getattr(table, "padding_idx", None)
    return 0 if padding is None else padding + 1


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
    for module in model.modules():
        if isinstance(module, nn.Dropout):
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

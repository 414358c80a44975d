"""A masked language model whose vocabulary projection runs only where something is predicted.

At 15 % masking the dense path computes, and keeps for the backward pass, six to seven times as many
logits as it needs; with 30,000 words and a small encoder that is most of the step.

Legend: B sequences, L length, H hidden size, N masked tokens, V vocabulary.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn import functional

from domainbert.training import attention

if TYPE_CHECKING:
    from torch import Tensor

    from domainbert.training.batch import MicroBatch

_ROWS = 32
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
            compute all logits and are slower, not different; see `sparse`.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model
        names = _HEADS.get(model.config.model_type, ())
        self.head = names if all(hasattr(model, name) for name in names) else ()
        if self.packs:
            model.set_attn_implementation(attention.NAME)

    @property
    def sparse(self) -> bool:
        """Whether only masked positions are projected to the vocabulary."""
        return bool(self.head)

    @property
    def packs(self) -> bool:
        """Whether batches may be packed into one row, so that nothing is padded."""
        return self.sparse and self.model.config.model_type in attention.FAMILIES

    def logits(self, batch: MicroBatch) -> Tensor:
        """Return float32 logits at the masked positions, shape (N, V)."""
        inputs = self._inputs(batch)
        if not self.sparse:
            dense_BLV = self.model(**inputs).logits
            return dense_BLV.flatten(0, 1).index_select(0, batch.positions_N).float()
        hidden_BLH = self.model.base_model(**inputs).last_hidden_state
        values: Tensor = hidden_BLH.flatten(0, 1).index_select(0, batch.positions_N)
        for name in self.head:
            values = getattr(self.model, name)(values)
        return values.float()

    def forward(self, batch: MicroBatch) -> Tensor:
        """Return the sum of the cross-entropies of all masked tokens, in nats; float32 scalar.

        The caller divides by the number of masked tokens of the whole optimizer step. An average
        taken here would weigh tokens by how full their micro-batch is.
        """
        # Few distinct shapes: for each new one the CPU's matrix library keeps a prepared kernel;
        # with hundreds of different N these came to gigabytes.
        extra = -len(batch.targets_N) % _ROWS
        targets_N = functional.pad(batch.targets_N, (0, extra), value=_IGNORED)
        rounded = replace(batch, positions_N=functional.pad(batch.positions_N, (0, extra)))
        return functional.cross_entropy(
            self.logits(rounded), targets_N, reduction="sum", ignore_index=_IGNORED
        )

    def _inputs(self, batch: MicroBatch) -> dict[str, Any]:
        if batch.places_BL is None:
            return {"input_ids": batch.input_ids_BL, "attention_mask": batch.attention_mask_BL}
        inputs: dict[str, Any] = {"input_ids": batch.input_ids_BL, "runs": batch.runs}
        inputs["position_ids"] = batch.places_BL + _first_place(self.model.base_model)
        if self.model.config.model_type == "modernbert":
            # Without masks given it would draw one of tokens by tokens for its local layers.
            inputs["attention_mask"] = {"full_attention": None, "sliding_attention": None}
        return inputs


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

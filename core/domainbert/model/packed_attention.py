"""Attention within each of several sequences that lie one behind the other in one row.

So a batch needs no padding: everything but attention works on single tokens and does not see where
a sequence ends. Families that call attention through transformers' `AttentionInterface` can use
the function below; no model code is changed.

Legend: A heads, T tokens of the row, D size of a head, C sequences of a run, L their length.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from domainbert.model.dropout import drop

if TYPE_CHECKING:
    from torch import Tensor

_NAME = "domainbert_packed"

Runs = tuple[tuple[int, int], ...]
"""Sequences of a row as (how many, of which length), in order; lengths add up to the row."""


def packed_attention(
    module: Any,
    query_1ATD: Tensor,
    key_1ATD: Tensor,
    value_1ATD: Tensor,
    attention_mask: Tensor | None,
    **options: Any,
) -> tuple[Tensor, None]:
    """Attend within each sequence of a row; without `runs`, do what `sdpa` does.

    Args:
        module: The attention layer.
        query_1ATD: Queries: one row, or without `runs` any number of padded ones.
        key_1ATD: Keys.
        value_1ATD: Values.
        attention_mask: Used without `runs` only: True where a token sees another.
        options: `runs`, what the row is made of; `dropout`, `scaling` and `sliding_window` as
            transformers gives them.

    Returns:
        Shape (1, T, A, D), or a row for each that was given, and no weights.
    """
    runs: Runs | None = options.pop("runs", None)
    dropout, scale = options.get("dropout", 0.0), options.get("scaling")
    if runs is None:
        if _is_slow(query_1ATD, dropout):
            out = attend(query_1ATD, key_1ATD, value_1ATD, attention_mask, dropout, scale)
            return out.transpose(1, 2), None
        return sdpa_attention_forward(
            module, query_1ATD, key_1ATD, value_1ATD, attention_mask, **options
        )
    window = options.get("sliding_window")
    found = []
    # Split at once: the gradients of single slices would each be as long as the row.
    parts = (
        t[0].split([c * length for c, length in runs], 1)
        for t in (query_1ATD, key_1ATD, value_1ATD)
    )
    for (count, length), *of_run in zip(runs, *parts, strict=True):
        # One call for all sequences of a length: no mask, so the fast kernels take it.
        query_CALD, key_CALD, value_CALD = (
            part.unflatten(1, (count, length)).transpose(0, 1) for part in of_run
        )
        near_LL = None
        if window is not None and length > window:
            places_L = torch.arange(length, device=query_CALD.device)
            near_LL = (places_L[:, None] - places_L[None, :]).abs() < window
        out_CALD = attend(query_CALD, key_CALD, value_CALD, near_LL, dropout, scale)
        found.append(out_CALD.transpose(1, 2).flatten(0, 1))
    return torch.cat(found).unsqueeze(0), None


def attend(
    query_CALD: Tensor,
    key_CALD: Tensor,
    value_CALD: Tensor,
    near_LL: Tensor | None,
    dropout: float,
    scale: float | None,
) -> Tensor:
    """Do what `scaled_dot_product_attention` does; to learn on a CPU, often by plain products.

    In bf16 the backward pass of torch 2.13's kernel takes three to seventeen times as long (24 to
    256 tokens; docs/explanation/performance.md). With dropout there is no kernel, and plain
    products take half to all of the time. In inference the kernel is as fast.

    Args:
        query_CALD: Queries.
        key_CALD: Keys.
        value_CALD: Values.
        near_LL: True where a token sees another, or of such a shape for each sequence; all see all
            without it.
        dropout: Share of the weights that are left out.
        scale: Factor of the products; 1/√D without it.
    """
    if not _is_slow(query_CALD, dropout):
        return functional.scaled_dot_product_attention(
            query_CALD, key_CALD, value_CALD, near_LL, dropout, scale=scale
        )
    scale = query_CALD.size(-1) ** -0.5 if scale is None else scale
    seen_CALL = query_CALD @ key_CALD.transpose(-1, -2) * scale
    if near_LL is not None:
        seen_CALL = seen_CALL.masked_fill(~near_LL, torch.finfo(seen_CALL.dtype).min)
    weights_CALL = seen_CALL.softmax(-1, dtype=torch.float32)
    return drop(weights_CALL, dropout).to(value_CALD.dtype) @ value_CALD


def _is_slow(query: Tensor, dropout: float) -> bool:
    """Tell whether torch's kernels are slow for what is to come; see `attend`."""
    slow = query.dtype is torch.bfloat16 or dropout > 0
    return slow and query.device.type == "cpu" and torch.is_grad_enabled()


def attend_within(model: Any) -> None:
    """Let a model keep the sequences of flat batches apart.

    Other calls give the same as before, sooner where it learns on a CPU. A saved model does
    not show it.
    """
    model.set_attn_implementation(_NAME)


def attends_within(model: Any) -> bool:
    """Tell whether a model keeps the sequences of flat batches apart."""
    return bool(model.config._attn_implementation == _NAME)


AttentionInterface.register(_NAME, packed_attention)
# For calls without `runs`, such as a plain forward pass of the model.
AttentionMaskInterface.register(_NAME, sdpa_mask)

"""Weights between a base and the model adapted from it, and averages of checkpoints.

Masked-LM training moves an encoder away from what its base knew. A point between the two can keep
both: WiSE-FT (Wortsman et al. 2022, arXiv 2109.01903) and model soups (arXiv 2203.05482).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from domainbert.errors import BaseModelError
from domainbert.model.masked_lm import head_parameters
from domainbert.tokenizer.extend import UNUSED

if TYPE_CHECKING:
    from torch import Tensor

    from domainbert.model.load import LoadedModel


def blended(base: LoadedModel, adapted: LoadedModel, alpha: float) -> dict[str, Tensor]:
    """Return θ(α) = (1 − α)·base + α·adapted by the name of the parameter, float32.

    At 0 and 1 these are the bits of the two. The adapted model keeps its rows of entries that the
    base lacks, its MLM head if the base has none, and its buffers, which are no parameters.

    Args:
        base: Where α is 0.
        adapted: Where α is 1.
        alpha: From 0 to 1.

    Raises:
        BaseModelError: The two do not fit.
    """
    new_ids = _new_entries(base, adapted)
    first, last = (dict(loaded.model.named_parameters()) for loaded in (base, adapted))
    own = set(head_parameters(adapted.model)) if base.new_head else set()
    by_entry = _vocabulary_names(adapted.model)
    _check_shapes(first, last, own, by_entry)
    between: dict[str, Tensor] = {}
    for name, end in last.items():
        end = end.detach()
        if name in own or alpha == 1:
            between[name] = end.clone()
            continue
        start, rows = first[name].detach(), slice(None)
        value = end.clone()
        if name in by_entry:
            rows = slice(len(start))
        # At 0 not a sum: adding zeros would turn minus zero into zero.
        mixed = start if alpha == 0 else (1 - alpha) * start + alpha * end[rows]
        value[rows] = mixed
        if name in by_entry and new_ids:
            value[new_ids] = end[new_ids]
        between[name] = value
    return between


def set_parameters(model: Any, values: dict[str, Tensor]) -> None:
    """Give a model other weights, in place; those that are not given stay."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name in values:
                parameter.copy_(values[name])


def averaged(folders: Sequence[Path], weights: Sequence[float]) -> dict[str, Tensor]:
    """Return the weighted mean of checkpoints by the name of the parameter, float32.

    Args:
        folders: Checkpoints with `model.safetensors`.
        weights: Of each; they are divided by their sum.
    """
    from safetensors.torch import load_file

    total: dict[str, Tensor] = {}
    dtypes: dict[str, torch.dtype] = {}
    for folder, weight in zip(folders, weights, strict=True):
        for name, value in load_file(folder / "model.safetensors").items():
            dtypes[name] = value.dtype
            share = value.double() * (weight / sum(weights))
            total[name] = total[name] + share if name in total else share
    return {name: value.to(dtypes[name]) for name, value in total.items()}


def _new_entries(base: LoadedModel, adapted: LoadedModel) -> list[int]:
    """Return the ids of entries that the base lacks: behind its own, or in place of unused ones.

    Raises:
        BaseModelError: An id means something else in the two.
    """
    before = {number: token for token, number in base.tokenizer.get_vocab().items()}
    after = {number: token for token, number in adapted.tokenizer.get_vocab().items()}
    for number, token in sorted(before.items()):
        if (other := after.get(number)) != token and not (other and UNUSED.fullmatch(token)):
            found = f"the id {number} is {token!r} in the base and {other!r} in the adapted model"
            raise BaseModelError(f"the two have other tokenizers: {found}.")
    return sorted(number for number, token in after.items() if before.get(number) != token)


def _vocabulary_names(model: Any) -> set[str]:
    """Return the names of the parameters with a row for each entry of the vocabulary."""
    output = model.get_output_embeddings()
    modules = [model.get_input_embeddings(), *([] if output is None else [output])]
    rows = {id(parameter) for module in modules for parameter in module.parameters()}
    size = model.config.vocab_size
    return {n for n, p in model.named_parameters() if id(p) in rows and p.shape[0] == size}


def _check_shapes(
    first: dict[str, Any], last: dict[str, Any], own: set[str], by_entry: set[str]
) -> None:
    if odd := sorted((first.keys() ^ last.keys()) - own):
        raise BaseModelError(f"only one of the two has the weight {odd[0]}.")
    for name in last.keys() - own:
        start, end = tuple(first[name].shape), tuple(last[name].shape)
        grown = name in by_entry and start[1:] == end[1:] and start[0] <= end[0]
        if start != end and not grown:
            shapes = f"{list(start)} in the base, {list(end)} in the adapted model"
            raise BaseModelError(f"the weight {name} has other shapes: {shapes}.")

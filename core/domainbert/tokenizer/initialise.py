"""Start the rows of new entries as the mean of the pieces that they replace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from domainbert.tokenizer.extend import Extension

if TYPE_CHECKING:
    from torch import Tensor


def extend_model(model: Any, tokenizer: Any, extension: Extension) -> None:
    """Give a model the rows of new entries, in place.

    Input rows, output rows and output biases alike; tied weights stay tied. Every other row keeps
    its values. The mean is that of Gee et al. 2022 (doi:10.18653/v1/2022.emnlp-industry.41).

    Args:
        model: A transformers model, with a masked-LM head or without.
        tokenizer: The tokenizer before the extension.
        extension: The new entries.
    """
    import torch

    size = max(extension.ids) + 1
    if size > model.config.vocab_size:
        model.resize_token_embeddings(size, mean_resizing=False)
    known = tokenizer.get_vocab()
    old = [[known[piece] for piece in entry.pieces] for entry in extension.entries]
    with torch.no_grad():
        for rows_V in _vocabulary_tensors(model):
            means = torch.stack([rows_V[ids].mean(dim=0) for ids in old])
            rows_V[list(extension.ids)] = means


def _vocabulary_tensors(model: Any) -> list[Tensor]:
    """Return input rows, output rows and output biases, tied ones once; V comes first in each."""
    output = model.get_output_embeddings()
    found = [model.get_input_embeddings().weight]
    if output is not None:
        found += [output.weight, getattr(output, "bias", None)]
    return list({tensor.data_ptr(): tensor for tensor in found if tensor is not None}.values())

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from domainbert.model.load import LoadedModel
from domainbert.tokenizer.initialise import extend_model

COUNTS = {"quokka": 9, "quzygous": 3, "abzygous": 3, "xzygous": 3}


def tensors(model: Any) -> tuple[torch.Tensor, ...]:
    output = model.get_output_embeddings()
    return model.get_input_embeddings().weight, output.weight, output.bias


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("slots", ["grow", "unused"])
@pytest.mark.parametrize("family", ["bert", "distilbert", "electra", "mpnet"])
def test_new_rows_are_means_and_all_others_stay(
    load: Callable[..., LoadedModel],
    extend: Callable[..., Any],
    family: str,
    slots: str,
    tied: bool,
) -> None:
    loaded = load(family)
    model = loaded.model
    if not tied:
        head = model.get_output_embeddings()
        head.weight = torch.nn.Parameter(head.weight.detach().clone())
        model.config.tie_word_embeddings = False
    torch.manual_seed(0)
    for tensor in tensors(model):
        tensor.data.normal_()
    before = [tensor.detach().clone() for tensor in tensors(model)]
    _, extension = extend(COUNTS, 2, slots, loaded.tokenizer)
    extend_model(model, loaded.tokenizer, extension)
    known = loaded.tokenizer.get_vocab()
    for old, new in zip(before, tensors(model), strict=True):
        kept = [n for n in range(len(old)) if n not in extension.ids]
        assert torch.equal(new[kept], old[kept])
        for number, entry in zip(extension.ids, extension.entries, strict=True):
            rows = old[[known[piece] for piece in entry.pieces]]
            assert torch.equal(new[number], rows.mean(dim=0)), entry.text
        assert len(new) == len(old) + 2 * (slots == "grow") == model.config.vocab_size
    assert (tensors(model)[0] is tensors(model)[1]) is tied

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from domainbert.model.load import LoadedModel
from domainbert.tokenizer.extend import Extension
from domainbert.tokenizer.initialise import extend_model

Extend = Callable[..., tuple[Any, Extension]]
Load = Callable[..., LoadedModel]
COUNTS = {"quokka": 9, "quzygous": 3, "abzygous": 3, "xzygous": 3}


def tensors(model: Any) -> dict[str, torch.Tensor]:
    output = model.get_output_embeddings()
    return {
        "input": model.get_input_embeddings().weight,
        "output": output.weight,
        "bias": output.bias,
    }


def randomise(model: Any) -> None:
    for number, tensor in enumerate(tensors(model).values()):
        torch.manual_seed(number)
        tensor.data.normal_()


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("slots", ["grow", "unused"])
@pytest.mark.parametrize("family", ["bert", "distilbert", "electra", "mpnet"])
def test_new_rows_are_means_and_all_others_stay(
    load: Load, extend: Extend, family: str, slots: str, tied: bool
) -> None:
    loaded = load(family)
    model = loaded.model
    if not tied:
        head = model.get_output_embeddings()
        head.weight = torch.nn.Parameter(head.weight.detach().clone())
        model.config.tie_word_embeddings = False
    randomise(model)
    before = {name: tensor.detach().clone() for name, tensor in tensors(model).items()}
    _, extension = extend(COUNTS, 2, slots, loaded.tokenizer)
    extend_model(model, loaded.tokenizer, extension)
    known = loaded.tokenizer.get_vocab()
    for name, after in tensors(model).items():
        kept = [n for n in range(len(before[name])) if n not in extension.ids]
        assert torch.equal(after[kept], before[name][kept]), name
        for number, entry in zip(extension.ids, extension.entries, strict=True):
            rows = torch.stack([before[name][known[piece]] for piece in entry.pieces])
            assert torch.equal(after[number], rows.mean(dim=0)), (name, entry.text)
    grown = len(extension.ids) if slots == "grow" else 0
    assert model.config.vocab_size == len(before["input"]) + grown
    found = tensors(model)
    assert (found["input"] is found["output"]) is tied
    assert {len(tensor) for tensor in found.values()} == {model.config.vocab_size}


def test_an_encoder_without_a_head_has_input_rows_only(load: Load, extend: Extend) -> None:
    loaded = load()
    encoder = loaded.model.base_model
    before = encoder.get_input_embeddings().weight.detach().clone()
    _, extension = extend({"quokka": 9}, 1)
    extend_model(encoder, loaded.tokenizer, extension)
    after = encoder.get_input_embeddings().weight
    ids = [loaded.tokenizer.get_vocab()[piece] for piece in extension.entries[0].pieces]
    assert torch.equal(after[:-1], before)
    assert torch.equal(after[-1], before[ids].mean(dim=0))

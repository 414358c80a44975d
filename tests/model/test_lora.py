"""Low-rank adapters: where they stand, what learns, and that merging changes no output."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from domainbert.errors import RecipeError
from domainbert.model.load import LoadedModel
from domainbert.model.lora import merge, put_lora, target_pattern, with_adapter
from domainbert.recipe.lora import LoraSection
from domainbert.recipe.train import TrainSection
from domainbert.testing import FAMILIES

Load = Callable[..., LoadedModel]
IDS = torch.tensor([[2, 9, 14, 20, 7, 3]])


def shaken(model: Any) -> Any:
    """Move everything that learns, so that an adapter does something."""
    numbers = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(0.05 * torch.randn(parameter.shape, generator=numbers))
    return model.eval()


@torch.no_grad()
def logits(model: Any) -> torch.Tensor:
    return model.eval()(input_ids=IDS).logits


@pytest.mark.parametrize("family", FAMILIES)
def test_an_adapter_changes_nothing_until_it_learns_and_merging_changes_no_output(
    load: Load, family: str
) -> None:
    model = load(family).model
    before = logits(model)
    names = {name for name, _ in model.named_parameters()}
    adapter = put_lora(model, LoraSection(r=2), seed=0)
    torch.testing.assert_close(logits(model), before, rtol=0, atol=0)
    learning = {name for name, p in model.named_parameters() if p.requires_grad}
    assert learning and all(".lora_A." in name or ".lora_B." in name for name in learning)
    shaken(model)
    after = logits(model)
    assert float((after - before).abs().max()) > 1e-3
    merged = merge(adapter)
    assert merged is model
    assert {name for name, _ in model.named_parameters()} == names
    torch.testing.assert_close(logits(model), after, rtol=0, atol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_adapters_stand_beside_all_linear_layers_of_all_encoder_layers(
    load: Load, family: str
) -> None:
    model = load(family).model
    linear = {
        name
        for name, module in model.base_model.named_modules()
        if isinstance(module, nn.Linear) and "embedding" not in name and "pooler" not in name
    }
    put_lora(model, LoraSection(r=2), seed=0)
    found = {
        name.removesuffix(".lora_A.default")
        for name, _ in model.base_model.named_modules()
        if name.endswith(".lora_A.default")
    }
    assert found == linear and found
    if family == "modernbert":
        assert any(name.endswith("Wqkv") for name in found)


def test_targets_are_ends_of_names_and_others_are_refused_with_what_there_is(load: Load) -> None:
    model = load("bert").model
    assert target_pattern(model, ["query"], "train.lora.targets") == (
        r"(?:.*\.)?(?:encoder\.layer\.\d+\.attention\.self\.query)"
    )
    with pytest.raises(RecipeError) as caught:
        put_lora(model, LoraSection(targets=("Wqkv",)), seed=0)
    assert str(caught.value) == (
        "train.lora.targets: 'Wqkv' fits no linear layer; there are attention.output.dense, "
        "attention.self.key, attention.self.query, attention.self.value, intermediate.dense, "
        "output.dense."
    )
    with pytest.raises(RecipeError, match=r"modules_to_save: 'head' fits no module; .* bert, cls"):
        put_lora(model, LoraSection(modules_to_save=("head",)), seed=0)


def test_a_seed_decides_where_the_matrices_start(load: Load) -> None:
    def start(seed: int) -> torch.Tensor:
        model = load("bert").model
        put_lora(model, LoraSection(r=2), seed)
        return next(p for name, p in model.named_parameters() if "lora_A" in name).detach()

    assert torch.equal(start(1), start(1))
    assert not torch.equal(start(1), start(2))


@pytest.mark.parametrize("family", ["bert", "modernbert", "distilbert"])
def test_a_new_head_and_named_modules_learn_in_full(load: Load, family: str) -> None:
    settings = TrainSection(steps=1, method="lora", lora=LoraSection(r=2))
    loaded = with_adapter(load(family), settings, new_head=True)
    inside = {id(p) for p in loaded.model.base_model.parameters()}
    head = {name for name, p in loaded.model.named_parameters() if id(p) not in inside}
    learning = {name for name, p in loaded.model.named_parameters() if p.requires_grad}
    assert head and head <= learning
    assert all("lora_" in name for name in learning - head)
    tied = loaded.model.get_output_embeddings().weight is loaded.model.get_input_embeddings().weight
    assert tied


def test_new_rows_learn_and_a_tied_decoder_stays_tied(load: Load) -> None:
    loaded = load("bert")
    rows = loaded.model.get_input_embeddings().weight.detach().clone()
    adapter = put_lora(loaded.model, LoraSection(r=2), 0, new_ids=[5, 6])
    shaken(loaded.model)
    after = logits(loaded.model)
    model = merge(adapter)
    torch.testing.assert_close(logits(model), after, rtol=0, atol=1e-5)
    weight = model.get_input_embeddings().weight
    assert model.get_output_embeddings().weight is weight
    changed = (weight != rows).any(dim=1).nonzero().flatten().tolist()
    assert changed == [5, 6]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("dropout", "has no weights"),
        ("cls", "holds the embeddings, or a decoder"),
        ("word_embeddings", "holds the embeddings, or a decoder"),
        ("bert", "holds the embeddings, or a decoder"),
        ("encoder", "holds layers that LoRA stands beside"),
        ("query", "holds layers that LoRA stands beside"),
    ],
)
def test_modules_that_cannot_be_saved_alone_are_refused(load: Load, name: str, reason: str) -> None:
    with pytest.raises(RecipeError, match=rf"train\.lora\.modules_to_save: .*{name} {reason}"):
        put_lora(load("bert").model, LoraSection(modules_to_save=(name,)), seed=0)


@pytest.mark.parametrize("name", ["LayerNorm", "transform"])
def test_modules_that_learn_in_full_are_merged_and_saved(
    load: Load, tmp_path: Path, name: str
) -> None:
    from transformers import AutoModelForMaskedLM

    model = load("bert").model
    adapter = put_lora(model, LoraSection(r=2, modules_to_save=(name,)), seed=0, new_ids=[5])
    after = logits(shaken(model))
    merge(adapter)
    assert model.get_output_embeddings().weight is model.get_input_embeddings().weight
    torch.testing.assert_close(logits(model), after, rtol=0, atol=1e-5)
    model.save_pretrained(tmp_path)
    again = AutoModelForMaskedLM.from_pretrained(tmp_path)
    torch.testing.assert_close(logits(again), after, rtol=0, atol=1e-5)


def test_without_a_method_nothing_is_put_in(load: Load) -> None:
    loaded = load("bert")
    assert with_adapter(loaded, TrainSection(steps=1), new_head=False) is loaded
    assert all(p.requires_grad for p in loaded.model.parameters())


def test_bert_base_trains_at_most_a_share_of_1_5_percent(tmp_path: Path) -> None:
    from transformers import BertConfig, BertForMaskedLM

    with torch.device("meta"):
        model = BertForMaskedLM(BertConfig())
        total = sum(p.numel() for p in model.parameters())
        put_lora(model, LoraSection(), seed=0)
    learning = sum(p.numel() for p in model.parameters() if p.requires_grad)
    assert (learning, total) == (1_327_104, 109_514_298)
    assert learning / total < 0.015

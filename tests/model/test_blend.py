from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file

from domainbert.errors import BaseModelError
from domainbert.model.blend import averaged, blended, set_parameters
from domainbert.model.load import LoadedModel, find_base, load_masked_lm
from domainbert.model.masked_lm import head_parameters
from domainbert.recipe.sections import VocabularySection
from domainbert.testing import FAMILIES, tiny_checkpoint
from domainbert.tokenizer.extend import build_extension, extend_tokenizer
from domainbert.tokenizer.initialise import extend_model
from domainbert.tokenizer.wordpiece import count_words

Load = Callable[[str], LoadedModel]


def moved(loaded: LoadedModel, seed: int = 5) -> LoadedModel:
    """Move every weight, as training does, and put a minus zero among them."""
    numbers = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in loaded.model.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=numbers))
            parameter.view(-1)[0] = -0.0
    return loaded


def parameters(loaded: LoadedModel) -> dict[str, torch.Tensor]:
    return {name: p.detach() for name, p in loaded.model.named_parameters()}


def bits(values: dict[str, torch.Tensor]) -> dict[str, bytes]:
    return {name: value.contiguous().numpy().tobytes() for name, value in values.items()}


@pytest.mark.parametrize("family", FAMILIES)
def test_the_ends_are_the_two_models_bit_for_bit_and_between_lies_the_sum(
    load: Load, family: str
) -> None:
    base, end = moved(load(family), 3), moved(load(family))
    first, last = parameters(base), parameters(end)
    assert bits(blended(base, end, 0.0)) == bits(first)
    assert bits(blended(base, end, 1.0)) == bits(last)
    quarter = blended(base, end, 0.25)
    assert quarter.keys() == last.keys()
    for name, value in quarter.items():
        torch.testing.assert_close(value, 0.75 * first[name] + 0.25 * last[name])
    # Neither end is changed, and buffers are no part of it.
    assert bits(parameters(end)) == bits(last)
    buffers = {name: value.clone() for name, value in end.model.named_buffers()}
    set_parameters(end.model, quarter)
    assert bits(parameters(end)) == bits(quarter)
    assert all(torch.equal(value, buffers[name]) for name, value in end.model.named_buffers())


@pytest.mark.parametrize("family", FAMILIES)
def test_a_base_without_a_head_leaves_the_end_its_own(load: Load, family: str) -> None:
    base, end = replace(load(family), new_head=True), moved(load(family))
    head, last = set(head_parameters(end.model)), parameters(end)
    assert head
    middle = blended(base, end, 0.5)
    same = {name for name, value in middle.items() if torch.equal(value, last[name])}
    assert head <= same
    assert not {name for name in same - head if last[name].numel() > 1}
    # At 0 the encoder has the bits of the base.
    start, first = blended(base, end, 0.0), parameters(base)
    assert bits({n: start[n] for n in start if n not in head}) == bits(
        {n: first[n] for n in first if n not in head}
    )


@pytest.mark.parametrize("slots", ["grow", "unused"])
@pytest.mark.parametrize("family", ["bert", "distilbert", "electra", "mpnet"])
def test_new_entries_keep_their_rows_and_old_rows_lie_between(
    tmp_path: Path, family: str, slots: str
) -> None:
    folder = tiny_checkpoint(tmp_path / "base", family, True, ["[unused0]", "[unused1]"])
    base, end = (load_masked_lm(find_base(str(folder), Path()), 0) for _ in range(2))
    section = VocabularySection.model_validate({"size": 2, "min_frequency": 1, "slots": slots})
    counts = count_words(base.tokenizer, ["quokka heron quokka heron"])
    extension, _ = build_extension(base.tokenizer, counts, (), section)
    extend_model(end.model, end.tokenizer, extension)
    end = moved(replace(end, tokenizer=extend_tokenizer(end.tokenizer, extension)))
    middle, first, last = blended(base, end, 0.5), parameters(base), parameters(end)
    size = end.model.config.vocab_size
    by_entry = [name for name, value in last.items() if value.shape[0] == size]
    assert len(by_entry) >= 2
    for name in by_entry:
        new = list(extension.ids)
        assert torch.equal(middle[name][new], last[name][new])
        old = [n for n in range(len(first[name])) if n not in new]
        expected = 0.5 * first[name][old] + 0.5 * last[name][old]
        torch.testing.assert_close(middle[name][old], expected)
    assert len(middle[by_entry[0]]) == len(first[by_entry[0]]) + 2 * (slots == "grow")


def test_two_models_that_do_not_fit_are_refused_by_name(load: Load, tmp_path: Path) -> None:
    base = load("bert")
    pair = []
    for word in ("heron", "quokka"):
        folder = tiny_checkpoint(tmp_path / word, "bert", True, [word])
        pair.append(load_masked_lm(find_base(str(folder), Path()), 0))
    message = r"other tokenizers: the id \d+ is 'heron' in the base and 'quokka' in the adapted"
    with pytest.raises(BaseModelError, match=message):
        blended(*pair, 0.5)
    with pytest.raises(BaseModelError, match=r"other tokenizers|only one of the two has"):
        blended(base, load("roberta"), 0.5)
    wide: Any = load("bert")
    layer = wide.model.bert.encoder.layer[0].intermediate.dense
    layer.weight = torch.nn.Parameter(torch.zeros(layer.weight.shape[0] + 8, 32))
    message = r"intermediate\.dense\.weight has other shapes: \[\d+, 32\] in the base, \[\d+, 32\]"
    with pytest.raises(BaseModelError, match=message):
        blended(base, wide, 0.5)
    del wide.model.bert.encoder.layer[1]
    with pytest.raises(BaseModelError, match=r"only one of the two has the weight .*layer\.1\."):
        blended(base, wide, 0.5)


@given(
    st.lists(st.floats(-9, 9, width=32), min_size=1, max_size=4),
    st.lists(st.floats(0.1, 9), min_size=4, max_size=4),
)
def test_an_average_is_the_weighted_mean(
    tmp_path_factory: pytest.TempPathFactory, values: list[float], weights: list[float]
) -> None:
    folders = []
    for value in values:
        folders.append(tmp_path_factory.mktemp("checkpoint"))
        save_file({"w": torch.tensor([value, -0.5])}, folders[-1] / "model.safetensors")
    given_weights = weights[: len(values)]
    mean = averaged(folders, given_weights)["w"]
    exact = math.fsum(v * w for v, w in zip(values, given_weights, strict=True)) / math.fsum(
        given_weights
    )
    assert mean.dtype == torch.float32
    torch.testing.assert_close(mean, torch.tensor([exact, -0.5]), rtol=1e-6, atol=1e-6)

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from helpers.training import frame_of

from domainbert.model.families import FAMILIES as TABLE
from domainbert.model.families import family_of
from domainbert.model.load import LoadedModel
from domainbert.model.masked_lm import MaskedLanguageModel
from domainbert.model.packed_attention import attend_within
from domainbert.testing import FAMILIES
from domainbert.training.data.batch import MicroBatch, flatten

Load = Callable[[str], LoadedModel]
LENGTHS = (19, 32, 7)
POSITIONS = torch.tensor([1, 5, 18, 32, 40, 63, 64 + 6])


def batch(model: Any) -> MicroBatch:
    """Three right-padded sequences of 32 with random ids."""
    numbers = torch.Generator().manual_seed(7)
    ids = torch.randint(8, model.config.vocab_size, (3, 32), generator=numbers)
    mask = torch.zeros(3, 32, dtype=torch.long)
    for row, length in enumerate(LENGTHS):
        ids[row, length:] = model.config.pad_token_id
        mask[row, :length] = 1
    targets = torch.arange(10, 10 + len(POSITIONS))
    none = torch.empty(0, dtype=torch.long)
    return MicroBatch(
        ids, mask, None, (), POSITIONS, targets, sum(LENGTHS), None, firsts_P=none, labels_P=none
    )


def plain_logits(model: Any) -> torch.Tensor:
    """Logits at the positions by the transformers model alone."""
    inputs = batch(model)
    dense = model(input_ids=inputs.input_ids_BL, attention_mask=inputs.attention_mask_BL)
    return dense.logits.flatten(0, 1)[POSITIONS]


def distance(found: torch.Tensor, expected: torch.Tensor) -> float:
    return float((found - expected).abs().max() / expected.abs().max())


@pytest.mark.parametrize("family", FAMILIES)
def test_sparse_logits_equal_those_of_the_plain_model(load: Load, family: str) -> None:
    model = load(family).model.eval()
    wrapped = MaskedLanguageModel(model)
    with torch.no_grad():
        found = wrapped.logits(batch(model))
        expected = plain_logits(model)
    assert found.shape == (len(POSITIONS), model.config.vocab_size)
    assert distance(found, expected) < 1e-5
    # The rows differ from each other by far more than that, so that order counts.
    assert distance(found.roll(1, dims=0), expected) > 1e-2


def test_a_flat_batch_is_refused_where_attention_would_mix_sequences(load: Load) -> None:
    model = load("bert").model.eval()
    sequence = frame_of(np.arange(10, 30), np.array([3]), np.array([50]))
    flat = flatten([sequence, sequence], 0, 64)
    with pytest.raises(ValueError, match="attention would reach across sequences"):
        MaskedLanguageModel(model).logits(flat)
    attend_within(model)
    with torch.no_grad():
        rows = MaskedLanguageModel(model).logits(flat)
    assert distance(rows[:1], rows[1:]) < 1e-6


@pytest.mark.parametrize("family", FAMILIES)
def test_an_unknown_family_computes_all_logits_and_the_same_numbers(
    load: Load, family: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(TABLE, family)
    model = load(family).model.eval()
    wrapped = MaskedLanguageModel(model)
    assert family_of(model) is None
    with torch.no_grad():
        assert torch.equal(wrapped.logits(batch(model)), plain_logits(model))

"""Padding to a round length must not lead past the last place that a model knows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from helpers.training import mask_text
from torch import Tensor

from domainbert.model.families import layout_of
from domainbert.model.load import LoadedModel, longest_sequence
from domainbert.model.packed_attention import attend_within
from domainbert.testing import FAMILIES, MAX_LENGTH
from domainbert.tokenizer.load import special_tokens
from domainbert.training.data.batch import LAYOUTS, Layout
from domainbert.training.data.masking import MaskingConfig
from domainbert.training.losses import SummedLosses

Load = Callable[[str], LoadedModel]


def shortened(loaded: LoadedModel, longest: int) -> Any:
    """A new model of the same kind that reads `longest` tokens."""
    config = loaded.model.config
    config.max_position_embeddings -= MAX_LENGTH - longest
    torch.manual_seed(0)
    model = type(loaded.model)(config).eval()
    assert longest_sequence(model) == longest
    return model


@pytest.mark.parametrize("longest", [50, 13])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_batch_of_the_longest_sequences_is_read(load: Load, family: str, longest: int) -> None:
    loaded = load(family)
    model = shortened(loaded, longest)
    rule = MaskingConfig(0.15, 0, special_tokens(loaded.tokenizer), len(loaded.tokenizer))
    sequences = [
        mask_text(np.arange(10, 10 + length - 2), rule, 0, length)
        for length in (longest, longest - 8)
    ]
    module, least = SummedLosses(model), layout_of(model)
    if least == "flat":
        attend_within(model)

    def loss(layout: Layout, numbers: tuple[int, ...]) -> Tensor:
        chosen = [sequences[number] for number in numbers]
        return module(LAYOUTS[layout](chosen, rule.specials.pad, longest))

    with torch.no_grad():
        alone = loss("padded", (0,)) + loss("padded", (1,))
        for layout in {"padded", least}:
            torch.testing.assert_close(loss(layout, (0, 1)), alone, rtol=1e-5, atol=1e-5)

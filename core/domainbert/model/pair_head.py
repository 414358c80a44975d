"""The classifier of pairs: a pooled first token and two classes, as BERT and ALBERT have it.

It is trained and saved in checkpoints with the model, of which it is a part while training, and
left out of the exported model. Legend: P pairs of a micro-batch, H hidden size.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from domainbert.keyed_random import derive_key

if TYPE_CHECKING:
    from torch import Tensor

NAME = "pair_head"


class PairHead(nn.Module):
    """Dense layer, tanh, two classes.

    Args:
        size: Hidden size of the encoder.
        deviation: Of the normal distribution that weights are drawn from.
    """

    def __init__(self, size: int, deviation: float) -> None:
        super().__init__()
        self.dense = nn.Linear(size, size)
        self.classifier = nn.Linear(size, 2)
        for layer in (self.dense, self.classifier):
            nn.init.normal_(layer.weight, std=deviation)
            nn.init.zeros_(layer.bias)

    def forward(self, first_PH: Tensor) -> Tensor:
        """Return float32 logits of both classes from the first token of each pair, (P, 2)."""
        logits_P2: Tensor = self.classifier(torch.tanh(self.dense(first_PH)))
        return logits_P2.float()


def attach_pair_head(model: Any, seed: int) -> None:
    """Make a new head a part of a model, unless it has one.

    Args:
        model: A transformers model.
        seed: Decides the weights.
    """
    if hasattr(model, NAME):
        return
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_key("pair head", seed))
        head = PairHead(model.config.hidden_size, getattr(model.config, "initializer_range", 0.02))
    model.add_module(NAME, head.to(next(model.parameters()).device))


@contextmanager
def without_pair_head(model: Any) -> Iterator[None]:
    """Take the head off while the block runs: the model is then what transformers knows."""
    head = model._modules.pop(NAME, None)
    try:
        yield
    finally:
        if head is not None:
            model.add_module(NAME, head)

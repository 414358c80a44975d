"""Dropout whose mask costs a CPU less to draw.

torch draws one random number for each element, which is a tenth of the time of fine-tuning on short
texts (docs/explanation/performance.md). Here four elements share 64 random bits.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

_BITS = 16


class QuickDropout(nn.Dropout):
    """`torch.nn.Dropout` with the masks of `drop`."""

    def forward(self, input: Tensor) -> Tensor:
        """Return the input with some elements 0 and the others scaled; in evaluation as it is."""
        return drop(input, self.p) if self.training else input


def quicken_dropout(model: nn.Module) -> None:
    """Let the dropout layers of a model be quick ones; its configuration and weights stay."""
    for place, module in list(model.named_modules()):
        if type(module) is nn.Dropout:
            model.set_submodule(place, QuickDropout(module.p).train(module.training))


def drop(values: Tensor, share: float) -> Tensor:
    """Return values of which a share, drawn from the random state, is 0 and the others are scaled.

    On a CPU the share that stays is the nearest multiple of 2⁻¹⁶, and the factor is its inverse, so
    the mean is exact. Elsewhere torch's own dropout is taken.
    """
    kept = round((1 - share) * 2**_BITS)
    on_cpu = values.device.type == "cpu" and not torch.compiler.is_compiling()
    if not on_cpu or not 0 < kept < 2**_BITS:
        return functional.dropout(values, share)
    words = torch.empty(math.ceil(values.numel() * _BITS / 64), dtype=torch.int64)
    numbers = words.random_(-(2**63), None).view(torch.int16)[: values.numel()]
    stays = (numbers <= kept - 2 ** (_BITS - 1) - 1).view(values.shape)
    return values * stays.to(values.dtype).mul_(2**_BITS / kept)

"""Where in an encoder a parameter stands, for rates and freezing by layer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

_LAYER = re.compile(r"(?:^|\.)layers?\.(\d+)\.")


def depths(model: nn.Module) -> dict[str, int]:
    """Return the depth of each parameter: 0 for embeddings, then the layers, then what is above.

    Layers that share their weights, as ALBERT's, count as above.
    """
    found = {name: _LAYER.search(name) for name, _ in model.named_parameters()}
    layers = [int(match.group(1)) for match in found.values() if match]
    top = max(layers, default=-1) + 2
    return {
        name: int(match.group(1)) + 1 if match else (0 if "embedding" in name else top)
        for name, match in found.items()
    }

"""Where in an encoder a parameter stands: for rates by layer, freezing and unfreezing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from domainbert.errors import RecipeError
from domainbert.model.families import HEADS, LAYER

if TYPE_CHECKING:
    from torch import nn

    from domainbert.recipe.train import TrainSection

_EMBEDDINGS = 0


def depths(model: nn.Module) -> dict[str, int]:
    """Return the depth of each parameter: 0 for embeddings, then the layers, then what is above.

    What all layers share counts as above: ALBERT's layers, MPNet's relative positions. A tied
    weight has the lowest of its depths, whichever of its names the model lists.
    """
    names: dict[int, list[str]] = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        names.setdefault(id(parameter), []).append(name)
    depth = {name: _depth(name) for same in names.values() for name in same}
    top = max((place for place in depth.values() if place is not None), default=0) + 1
    return {
        same[0]: min(top if (place := depth[name]) is None else place for name in same)
        for same in names.values()
    }


def _depth(name: str) -> int | None:
    """Return the depth of a parameter by its name; None if it is above all layers."""
    if name.startswith(HEADS):  # a plugin names its modules as it likes
        return None
    layer = LAYER.search(name)
    return int(layer[1]) + 1 if layer else _EMBEDDINGS if "embedding" in name else None


def rate_scales(depth: Mapping[str, int], decay: float) -> dict[str, float]:
    """Return the factor on each parameter's rate: 1 at the top, `decay` less for each layer below.

    Args:
        depth: From `depths`.
        decay: Factor from each layer to the one below.
    """
    top = max(depth.values())
    return {name: decay ** (top - place) for name, place in depth.items()}


def frozen(settings: TrainSection, depth: Mapping[str, int]) -> set[str]:
    """Return the names of the parameters that never learn.

    The decoder of a tied model is its embedding matrix: it is frozen with the embeddings.
    """
    places = {*range(1, settings.freeze_layers + 1)}
    if settings.freeze_embeddings:
        places.add(_EMBEDDINGS)
    return {name for name, place in depth.items() if place in places}


def lowest_unfrozen(depth: Mapping[str, int], step: int, total: int) -> int:
    """Return the lowest depth that learns in a step of a gradually unfrozen phase.

    The phase has as many equal parts as there are depths. In the first the top learns alone, and
    with each other part one depth more.

    Args:
        depth: Of the parameters that are to learn.
        step: From 0.
        total: Steps of the phase.
    """
    places = sorted(set(depth.values()), reverse=True)
    return places[step * len(places) // total]


def check_layers(settings: TrainSection, depth: Mapping[str, int], family: str) -> None:
    """Refuse settings by layer that mean nothing for a model.

    Raises:
        RecipeError: Its layers have no numbers, or there are fewer of them.
    """
    layers = max(depth.values()) - 1
    off = {"layerwise_lr_decay": 1, "freeze_layers": 0, "unfreeze": "all"}
    key = next((key for key, value in off.items() if getattr(settings, key) != value), None)
    if key and not layers:
        raise RecipeError(
            f"train.{key}: models of type {family!r} have no numbered layers with weights for "
            "each. Remove the key; `freeze_embeddings` works."
        )
    if settings.freeze_layers > layers:
        asked = settings.freeze_layers
        raise RecipeError(f"train.freeze_layers: {asked}, but the base has {layers} layers.")

"""The limit of `forgetting`: what the model handed over may lose on general text."""

from __future__ import annotations

from domainbert.errors import RunFailed
from domainbert.recipe.schema import Recipe
from domainbert.stages.blend import Blend
from domainbert.stages.held_out import Measured


def check_forgetting(
    recipe: Recipe, before: Measured, after: Measured, blend: Blend | None = None
) -> None:
    """End a run whose model lost more on general text than its recipe allows.

    Args:
        recipe: Section `forgetting`; without it nothing is checked.
        before: Scores of the base.
        after: Scores of the adapted model.
        blend: The point of the curve to hand over, once it is known; before, a recipe that blends
            is not checked.

    Raises:
        RunFailed: With both numbers; the model stays, and the run goes on with a higher limit.
    """
    if recipe.forgetting is None or before.general is None or after.general is None:
        return
    if blend is None and recipe.blend is not None:
        return
    measured = {point.alpha: point.general for point in blend.curve} if blend else {}
    bits = measured.get(blend.alpha if blend else 1.0) or after.general.bits_per_character
    lost, limit = bits - before.general.bits_per_character, recipe.forgetting.max_bits
    if lost > limit:
        raise RunFailed(
            f"forgetting.max_bits: {limit:g}, but the model has {bits:.3f} bits per character of "
            f"general text, {lost:.3f} more than its base. It is kept. Train less or at a lower "
            "rate, add general text to `corpus`, add `blend`, or raise the limit and continue."
        )

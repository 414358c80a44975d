"""Recipes as text: read, or refused with a message."""

from __future__ import annotations

import pytest

from domainbert.errors import RecipeError
from domainbert.recipe.resolve import resolve_recipe
from domainbert.recipe.schema import Recipe
from domainbert.recipe.yaml import parse_yaml

PLAIN = "name: mine\nbase: ./model\ncorpus:\n  - path: notes/*.txt\ntrain:\n  steps: 10\n"


def read(text: str, *settings: str) -> Recipe:
    """Return the recipe of a text that stands for the file `r.yaml`."""
    return resolve_recipe(parse_yaml(text, "r.yaml"), settings)[0]


def refused(text: str, *settings: str) -> str:
    """Return the message with which a recipe is refused."""
    with pytest.raises(RecipeError) as caught:
        read(text, *settings)
    return str(caught.value)

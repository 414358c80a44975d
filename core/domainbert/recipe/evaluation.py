"""The recipe of `domainbert evaluate`: tasks and fine-tuning, for models that are there."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from pydantic import Field

from domainbert.recipe.evaluate import EvaluateSection
from domainbert.recipe.resolve import resolve
from domainbert.recipe.schema import Recipe, Tasks
from domainbert.recipe.sections import Name, Section
from domainbert.recipe.yaml import YamlFile


class EvaluationRecipe(Section):
    """Tasks and how models are fine-tuned on them; of a whole recipe these parts are taken."""

    name: Name
    """Name of the recipe; else the name of the file."""
    title: str = ""
    """One line for people."""
    domain: Name | None = None
    """Domain whose tasks can be named."""
    tasks: Annotated[Tasks, Field(min_length=1)]
    """Tasks on which models are compared."""
    evaluate: EvaluateSection = EvaluateSection()
    """How they are fine-tuned."""


_OTHERS = Recipe.model_fields.keys() - EvaluationRecipe.model_fields.keys()


def resolve_evaluation(source: YamlFile, settings: tuple[str, ...] = ()) -> EvaluationRecipe:
    """Return tasks and fine-tuning of a file, which may be a whole recipe.

    Args:
        source: The parsed file.
        settings: `a.b=c` strings, as of `resolve_recipe`.

    Raises:
        RecipeError: All problems at once, each with file:line and key.
    """
    data = {key: value for key, value in source.data.items() if key not in _OTHERS}
    return resolve(EvaluationRecipe, replace(source, data=data), settings)[0]

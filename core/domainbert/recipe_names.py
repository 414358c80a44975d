"""Do the names in a recipe exist in its domain?"""

from __future__ import annotations

from domainbert.errors import RecipeError
from domainbert.plugins import Registry
from domainbert.recipe import Recipe


def check_names(recipe: Recipe, registry: Registry) -> None:
    """Check domain, corpus and task names without opening any file.

    Raises:
        PluginError: The domain is not installed.
        RecipeError: Every name that does not exist, one line each.
    """
    domain = registry.domain(recipe.domain) if recipe.domain else None
    corpora = {corpus.name for corpus in domain.corpora} if domain else set()
    tasks = {task.name for task in domain.tasks} if domain else set()
    where = f"domain {recipe.domain!r}" if domain else "a recipe without `domain:`"
    problems = [
        f"corpus.{number}.name: {where} has no corpus {section.name!r}."
        for number, section in enumerate(recipe.corpus)
        if section.name is not None and section.name not in corpora
    ]
    problems += [
        f"tasks.{number}: {where} has no task {section.name!r}."
        for number, section in enumerate(recipe.tasks)
        if section.kind is None and section.name not in tasks
    ]
    if problems:
        raise RecipeError("\n".join(problems))

"""Recipes of a domain: valid, and run with a tiny base for two steps."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

from domainbert.errors import UserError
from domainbert.plugin.domain import Domain
from domainbert.plugin_check.imports import ask
from domainbert.plugin_check.outcome import Outcome, Problem, count, outcome, some
from domainbert.plugin_check.subject import Subject, is_packaged
from domainbert.recipe.library import list_recipes
from domainbert.recipe.resolve import check_names, load_recipe
from domainbert.recipe.schema import Recipe


def check_recipes(subject: Subject) -> Iterator[Outcome]:
    """Check that recipes are valid; run those that need no more than the package in miniature."""
    domain, valid, small = subject.domain, [], {}
    problems: list[Problem] = []
    for name, path in list_recipes(subject.registry).items():
        if name.partition("/")[0] != domain.name:
            continue
        try:
            recipe = load_recipe(path)
            check_names(recipe, subject.registry)
        except UserError as error:
            fix = f"`domainbert recipes validate {name}` until it is valid"
            problems.append((f"{name}: {error}", fix))
            continue
        valid.append(name)
        if _needs_package_alone(recipe, domain):
            small[name] = path
    default = domain.default_recipe
    if default is not None and default not in valid and not problems:
        fix = f"name one of: {some(valid) or 'none; add recipes to the package'}"
        problems.append((f"default recipe {default!r} does not exist", fix))
    yield outcome("recipes", count(len(valid), "valid recipe"), problems)
    yield _check_runs(subject, valid, small)


def _check_runs(subject: Subject, valid: list[str], small: dict[str, Path]) -> Outcome:
    with tempfile.TemporaryDirectory(prefix="domainbert-check-") as name:
        folder = Path(name)
        recipes = small or _recipe_of_samples(subject.domain, folder)
        if not recipes:
            return outcome("runs", "no recipe that the files of the package are enough for")
        errors = run(subject, recipes, folder)
    fix = "run it: `domainbert adapt RECIPE --set train.steps=2`"
    problems = [(f"{name}: {error}", fix) for name, error in errors.items() if error]
    left = sorted(set(valid) - set(recipes))
    summary = f"{some(recipes)}: adapted and evaluated in miniature"
    return outcome("runs", summary + (f"; not run: {some(left)}" if left else ""), problems)


def run(subject: Subject, recipes: dict[str, Path], folder: Path) -> dict[str, str]:
    """Return the error of each recipe in miniature, empty where there was none."""
    question = {
        "folder": str(folder),
        "files": [str(file) for file in subject.files],
        "recipes": {name: str(path) for name, path in recipes.items()},
    }
    answers, lost = ask(question, seconds=600)
    errors = {answer["recipe"]: answer["error"] for answer in answers}
    return {name: errors.get(name, lost) for name in recipes}


def _packaged(domain: Domain) -> tuple[list[str], list[str]]:
    """Return the names of corpora and tasks whose files come with the plugin."""
    corpora = [corpus.name for corpus in domain.corpora if is_packaged(*corpus.files)]
    return corpora, [task.name for task in domain.tasks if is_packaged(*task.splits.values())]


def _needs_package_alone(recipe: Recipe, domain: Domain) -> bool:
    corpora, tasks = _packaged(domain)
    named = all(c.name in corpora and not (c.path or c.file) for c in recipe.corpus)
    return named and all(task.kind is None and task.name in tasks for task in recipe.tasks)


def _recipe_of_samples(domain: Domain, folder: Path) -> dict[str, Path]:
    """Write a recipe of all packaged data, for a domain that has no recipe."""
    corpora, tasks = _packaged(domain)
    if not corpora:
        return {}
    recipe = {
        "name": f"{domain.name}-samples",
        "domain": domain.name,
        "base": "base",
        "corpus": [{"name": corpus} for corpus in corpora],
        "train": {"steps": 2},
        "tasks": tasks,
    }
    path = folder / "samples.yaml"
    path.write_text(json.dumps(recipe), encoding="utf-8")  # JSON is YAML
    return {"the samples": path}

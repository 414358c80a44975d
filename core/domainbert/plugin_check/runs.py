"""Recipes of a domain: valid, and run with a tiny base for two steps."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from domainbert.errors import UserError
from domainbert.plugin.domain import Domain
from domainbert.plugin.registry import Registry, load_plugins
from domainbert.plugin_check.outcome import Outcome, Problem, count, outcome, some
from domainbert.plugin_check.subject import Subject, child_environment
from domainbert.recipe.library import list_recipes
from domainbert.recipe.resolve import check_names, load_recipe
from domainbert.recipe.schema import Recipe

_SECONDS = 600


@dataclass(frozen=True)
class Recipes:
    """The recipes of a domain.

    Args:
        valid: Path by name.
        small: Those whose files all come with the plugin: they can be run anywhere.
        problems: What is wrong with the others.
    """

    valid: dict[str, Path] = field(default_factory=dict)
    small: dict[str, Path] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def find_recipes(subject: Subject) -> Recipes:
    """Read the recipes that are named after the domain."""
    domain, found = subject.domain, Recipes()
    registry = _registry(subject)
    for name, path in list_recipes(registry).items():
        if name.partition("/")[0] != domain.name:
            continue
        try:
            recipe = load_recipe(path)
            check_names(recipe, registry)
        except UserError as error:
            fix = f"`domainbert recipes validate {name}` until it is valid"
            found.problems.append(Problem(f"{name}: {error}", fix))
            continue
        found.valid[name] = path
        if _is_packaged(recipe, domain):
            found.small[name] = path
    default = domain.default_recipe
    if default is not None and default not in found.valid and not found.problems:
        fix = f"name one of: {some(found.valid) or 'none; add recipes to the package'}"
        found.problems.append(Problem(f"default recipe {default!r} does not exist", fix))
    return found


def check_recipes(recipes: Recipes) -> Outcome:
    """Tell which recipes are valid."""
    return outcome("recipes", count(len(recipes.valid), "valid recipe"), recipes.problems)


def check_runs(subject: Subject, recipes: Recipes) -> Outcome:
    """Adapt and evaluate with every recipe that needs no more than the package, in miniature."""
    with tempfile.TemporaryDirectory(prefix="domainbert-check-") as name:
        folder = Path(name)
        chosen = dict(recipes.small)
        made = None if chosen else _recipe_of_samples(subject.domain, folder)
        if made is not None:
            chosen["the samples"] = made
        if not chosen:
            return outcome("runs", "no recipe that the files of the package are enough for", [])
        errors = _run(subject, chosen, folder)
    fix = "run it: `domainbert adapt RECIPE --set train.steps=2`"
    problems = [Problem(f"{name}: {error}", fix) for name, error in errors.items() if error]
    left = sorted(set(recipes.valid) - set(chosen))
    summary = f"{some(chosen)}: adapted and evaluated in miniature"
    return outcome("runs", summary + (f"; not run: {some(left)}" if left else ""), problems)


def _registry(subject: Subject) -> Registry:
    files = [Path(subject.target)] if subject.is_file else []
    return load_plugins(files)


def _is_packaged(recipe: Recipe, domain: Domain) -> bool:
    corpora = {c.name for c in domain.corpora if c.files and _all_paths(c.files)}
    tasks = {task.name for task in domain.tasks if _all_paths(task.splits.values())}
    named = all(c.name in corpora and not (c.path or c.file) for c in recipe.corpus)
    return named and all(task.kind is None and task.name in tasks for task in recipe.tasks)


def _all_paths(files: Any) -> bool:
    return all(isinstance(file, Path) for file in files)


def _recipe_of_samples(domain: Domain, folder: Path) -> Path | None:
    """Write a recipe of everything that the package holds, for a domain that has none."""
    corpora = [c.name for c in domain.corpora if c.files and _all_paths(c.files)]
    if not corpora:
        return None
    recipe = {
        "name": f"{domain.name}-samples",
        "domain": domain.name,
        "base": "base",
        "corpus": [{"name": corpus} for corpus in corpora],
        "train": {"steps": 2},
        "tasks": [task.name for task in domain.tasks if _all_paths(task.splits.values())],
    }
    path = folder / "samples.yaml"
    path.write_text(json.dumps(recipe), encoding="utf-8")  # JSON is YAML
    return path


def _run(subject: Subject, recipes: dict[str, Path], folder: Path) -> dict[str, str]:
    """Return the error of each recipe, empty where there was none."""
    asked = {
        "folder": str(folder),
        "files": [subject.target] if subject.is_file else [],
        "recipes": {name: str(path) for name, path in recipes.items()},
    }
    environment = child_environment(ACCELERATE_USE_CPU="true", OMP_NUM_THREADS="1")
    try:
        done = subprocess.run(
            [sys.executable, "-m", "domainbert.plugin_check.run_small"],
            env=environment,
            input=json.dumps(asked),
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {some(recipes): f"took longer than {_SECONDS} seconds"}
    answers = dict(_answers(done.stdout))
    last = (done.stderr.strip().splitlines() or ["no message"])[-1]
    lost = f"the process ended with code {done.returncode}: {last}"
    return {name: answers.get(name, lost) for name in recipes}


def _answers(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        if line.startswith('{"recipe": '):
            answer = json.loads(line)
            yield answer["recipe"], answer["error"]

"""What `domainbert evaluate` is asked for: tasks, settings, and whether a run has the same."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from domainbert.errors import RecipeError
from domainbert.pipeline.choose import Chosen
from domainbert.plugin.registry import Registry
from domainbert.recipe.evaluate import EvaluateSection
from domainbert.recipe.evaluation import EvaluationRecipe, resolve_evaluation
from domainbert.recipe.library import find_recipe
from domainbert.recipe.tasks import TaskSection
from domainbert.recipe.yaml import YamlFile, read_yaml
from domainbert.run.folder import RunFolder
from domainbert.storage.files import sha256_of

DEFAULT_SEEDS = 5
"""Number of seeds of `domainbert evaluate`."""


@dataclass(frozen=True)
class Asked:
    """What `domainbert evaluate` was asked to do with the models.

    Args:
        sections: Tasks.
        settings: Of fine-tuning.
        domain: Name of the domain of the tasks.
        folder: Where relative paths of the tasks start.
        other: Short name of settings that are not those of a run or of the defaults; else empty.
    """

    sections: tuple[TaskSection, ...]
    settings: EvaluateSection
    domain: str | None
    folder: Path
    other: str = ""


@dataclass(frozen=True)
class Arguments:
    """Those of `domainbert evaluate` that say on which tasks and how; None for not given.

    Args:
        domain: Domain of the tasks.
        tasks: Names of tasks of it.
        recipe: File or library name of a recipe.
        words: Values of `--set`, as `evaluate.epochs=2`.
        seeds: Number of seeds.
        baselines: As `evaluate.baselines`.
    """

    domain: str | None = None
    tasks: Sequence[str] = ()
    recipe: str | None = None
    words: tuple[str, ...] = ()
    seeds: int | None = None
    baselines: bool | str | Sequence[str] | None = None


# More seeds and other baselines only add trials, and what is kept changes none.
_OF_ANY_FOLDER: Any = {"title": True, "evaluate": {"seeds", "baselines", "keep"}}
_MOST_SEEDS = 1000


def understand(given: Arguments, chosen: Chosen | None, registry: Registry) -> Asked:
    """Return tasks and settings: of a recipe, else of the run, else of the arguments alone.

    Args:
        given: The arguments.
        chosen: The recipe of the run, if the target is one.
        registry: Plugins.

    Raises:
        RecipeError: No task, a task without a domain, or a value that is not valid.
    """
    source, folder = _source(given, chosen, registry)
    for word in given.words:
        if not word.strip().startswith(("evaluate.", "tasks.", "tasks=", "evaluate=")):
            raise RecipeError(f"--set {word}: the models are there; set `evaluate.` or `tasks.`.")
    if given.domain is not None or given.tasks:
        domain = given.domain or source.data.get("domain")
        if given.tasks and domain is None:
            raise RecipeError("--task names a task of a domain: add --domain.")
        named = {"tasks": list(given.tasks)} if given.tasks else {}
        source = replace(source, data={**source.data, "domain": domain, **named})
    if not source.data.get("tasks"):
        raise RecipeError("No task to evaluate on: name one with --domain and --task.")
    recipe = resolve_evaluation(source, given.words)
    settings = _changed(recipe.evaluate, given)
    usual = (source, folder)
    if given.recipe is not None:
        usual = _source(replace(given, recipe=None), chosen, registry)
    other = "" if _is_usual(recipe, folder, *usual) else f"{recipe.name}-{_key(recipe)[:8]}"
    return Asked(recipe.tasks, settings, recipe.domain, folder, other)


def _is_usual(recipe: EvaluationRecipe, folder: Path, usual: YamlFile, own: Path) -> bool:
    """Return whether results can stand beside those of the recipe `usual` of the folder `own`."""
    if not usual.data.get("tasks") or own.resolve() != folder.resolve():
        return False
    renamed = resolve_evaluation(usual).model_copy(update={"name": recipe.name})
    return _key(renamed) == _key(recipe)


def _sets(words: Sequence[str], key: str) -> bool:
    """Return whether a value of `--set` has a key of `evaluate`."""
    return any(re.match(rf"\s*evaluate(\.{key}\b|\s*=.*\b{key}\b)", word) for word in words)


def _key(recipe: EvaluationRecipe) -> str:
    """Return a hash of all that decides where results go."""
    key = recipe.model_dump(mode="json", exclude=_OF_ANY_FOLDER, exclude_defaults=True)
    # Further tasks only add trials, too; what a declared one is, its results say.
    key["tasks"] = [task for task in key["tasks"] if task.keys() - {"name", "domain"}]
    return sha256_of(json.dumps(key, sort_keys=True))


def _source(given: Arguments, chosen: Chosen | None, registry: Registry) -> tuple[YamlFile, Path]:
    """Return the recipe that the arguments start from, and where its paths start."""
    if given.recipe is not None:
        path = find_recipe(given.recipe, registry)
        return read_yaml(path), path.parent
    if chosen is None or chosen.run_folder is None:
        return YamlFile("--task", {"name": "evaluation"}, {}), Path()
    return read_yaml(RunFolder(chosen.run_folder).recipe), chosen.folder


def _changed(settings: EvaluateSection, given: Arguments) -> EvaluateSection:
    """Return settings with a number of seeds and with baselines, where these are given."""
    for key, value in (("seeds", given.seeds), ("baselines", given.baselines)):
        if value is not None and _sets(given.words, key):
            what = f"--{key} and --set evaluate.{key} exclude each other"
            raise RecipeError(f"{what}; leave one out.")
    keeps = given.recipe is not None or _sets(given.words, "seeds")
    seeds = DEFAULT_SEEDS if given.seeds is None else given.seeds
    if not 1 <= seeds <= _MOST_SEEDS:
        raise RecipeError(f"seeds: {seeds}; expected 1 to {_MOST_SEEDS:,}.")
    if given.seeds is not None or not keeps:
        settings = settings.model_copy(update={"seeds": tuple(range(seeds))})
    if given.baselines is None:
        return settings
    named = given.baselines
    try:
        made = EvaluateSection(baselines=named if isinstance(named, bool | str) else tuple(named))
    except ValueError:
        expected = "expected `all`, `none`, or names with commas between, each once"
        raise RecipeError(f"--baselines {named}: {expected}.") from None
    return settings.model_copy(update={"baselines": made.baselines})

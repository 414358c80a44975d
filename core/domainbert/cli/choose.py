"""Which recipe a command line means."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

from domainbert.errors import RecipeError, RunFolderError
from domainbert.plugin.registry import Registry
from domainbert.recipe.library import default_recipe, find_recipe
from domainbert.recipe.resolve import resolve_recipe
from domainbert.recipe.schema import Recipe
from domainbert.recipe.yaml import Location, read_yaml
from domainbert.run.folder import RunFolder, read_about


@dataclass(frozen=True)
class Chosen:
    """A recipe and where it comes from.

    Args:
        recipe: Resolved.
        folder: Where its relative paths start.
        origins: Where each of its values comes from.
        run_folder: The run it was taken from, if it continues one.
    """

    recipe: Recipe
    folder: Path
    origins: dict[Location, str]
    run_folder: Path | None = None


def choose_recipe(
    name: str | None,
    domain: str | None,
    settings: tuple[str, ...],
    registry: Registry,
    budget: str | None = None,
) -> Chosen:
    """Resolve the RECIPE argument, `--domain`, `--set` and `--budget`.

    Raises:
        RecipeError: Neither or both given, nothing found, or the recipe is not valid.
        PluginError: The domain is unknown or its plugin broken.
        RunFolderError: A run is to be continued whose recipe was moved.
    """
    if name is not None and domain is not None:
        raise RecipeError("Give a recipe or --domain, not both; a recipe names its own domain.")
    if name is None and domain is None:
        example = "`domainbert adapt --domain bio`. See `domainbert recipes list`"
        raise RecipeError(f"Give a recipe or --domain, such as {example}.")
    if name is not None and RunFolder(Path(name)).lock.is_file():
        chosen = continue_run(Path(name), settings, budget)
        # A base that is not found there would be taken for one of a model hub.
        if not chosen.folder.is_dir():
            raise RunFolderError(
                f"{name}: the folder of its recipe, {chosen.folder}, is gone, and with it the "
                "paths in the recipe. Continue with the recipe from where it is now: domainbert "
                f"adapt RECIPE --out {shlex.quote(name)}"
            )
        return chosen
    path = find_recipe(name or "", registry) if domain is None else default_recipe(domain, registry)
    recipe, origins = resolve_recipe(read_yaml(path), settings, budget)
    return Chosen(recipe, path.parent, origins)


def continue_run(path: Path, settings: tuple[str, ...] = (), budget: str | None = None) -> Chosen:
    """Read the recipe back from a run folder.

    Raises:
        RecipeError: `--set` or `--budget` was given, which would make it another run.
    """
    given = "--set" if settings else "--budget" if budget is not None else None
    if given:
        raise RecipeError(f"{given} cannot change the run in {path}; start another with --out.")
    run = RunFolder(path)
    about = read_about(run)
    recipe, origins = resolve_recipe(read_yaml(run.recipe))
    if recipe.hash() != about["hash"]:
        raise RecipeError(f"{run.recipe}: was edited after the run started. Restore it.")
    return Chosen(recipe, Path(about["folder"]), origins, path)

"""Which recipe a command line means."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from domainbert.errors import PluginError, RecipeError, RunFolderError
from domainbert.plugin.registry import Registry, load_plugins
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


def load_registry(files: Iterable[Path] | None) -> Registry:
    """Return the plugins, of which the single files that somebody named have to work.

    Raises:
        PluginError: One of them is missing or broken.
    """
    registry = load_plugins(files or ())
    for info in registry.plugins:
        if info.distribution == "file" and info.status != "ok":
            raise PluginError(f"--plugin {info.name}: {info.status}: {info.error}.")
    return registry


def choose_recipe(
    name: str | None, domain: str | None, settings: tuple[str, ...], registry: Registry
) -> Chosen:
    """Resolve the RECIPE argument, `--domain` and `--set`.

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
        chosen = continue_run(Path(name), settings)
        # A base that is not found there would be taken for one of a model hub.
        if not chosen.folder.is_dir():
            raise RunFolderError(
                f"{name}: the folder of its recipe, {chosen.folder}, is gone. Continue with the "
                f"recipe where it is now: domainbert adapt RECIPE --out {shlex.quote(name)}"
            )
        return chosen
    path = find_recipe(name or "", registry) if domain is None else default_recipe(domain, registry)
    recipe, origins = resolve_recipe(read_yaml(path), settings)
    return Chosen(recipe, path.parent, origins)


def continue_run(path: Path, settings: tuple[str, ...] = ()) -> Chosen:
    """Return the recipe of a run folder, edited and changed by `--set` as it may be.

    Stages decide what a change repeats.
    """
    run = RunFolder(path)
    folder = Path(read_about(run)["folder"])
    recipe, origins = resolve_recipe(read_yaml(run.recipe), settings)
    return Chosen(recipe, folder, origins, path)


def run_folder(chosen: Chosen) -> Path:
    """Return the folder of a run that was given none."""
    return chosen.run_folder or Path("runs") / chosen.recipe.name

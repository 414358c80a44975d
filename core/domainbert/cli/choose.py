"""Which recipe a command line means."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from domainbert.errors import RecipeError
from domainbert.plugins import Registry
from domainbert.recipe import Recipe, load_recipe
from domainbert.recipe_library import default_recipe, find_recipe
from domainbert.run import RunFolder, read_about


@dataclass(frozen=True)
class Chosen:
    """A recipe and where it comes from.

    Args:
        recipe: Resolved.
        folder: Where its relative paths start.
        run_folder: The run it was taken from, if it continues one.
    """

    recipe: Recipe
    folder: Path
    run_folder: Path | None = None


def choose_recipe(
    name: str | None, domain: str | None, overrides: tuple[str, ...], registry: Registry
) -> Chosen:
    """Resolve the RECIPE argument, `--domain` and `--set`.

    Raises:
        RecipeError: Neither or both given, nothing found, or the recipe is not valid.
        PluginError: The domain is unknown or its plugin broken.
    """
    if name is not None and domain is not None:
        raise RecipeError("Give a recipe or --domain, not both; a recipe names its own domain.")
    if name is None and domain is None:
        raise RecipeError(
            "Give a recipe or --domain, such as `domainbert adapt --domain bio`. "
            "See `domainbert recipes list`."
        )
    if name is not None and RunFolder(Path(name)).lock.is_file():
        return continue_run(Path(name), overrides)
    path = find_recipe(name, registry) if name else default_recipe(domain or "", registry)
    return Chosen(load_recipe(path, overrides), path.parent)


def continue_run(path: Path, overrides: tuple[str, ...] = ()) -> Chosen:
    """Read the recipe back from a run folder.

    Raises:
        RecipeError: `--set` was given, which would make it another run.
    """
    if overrides:
        raise RecipeError(f"--set cannot change the run in {path}; start another with --out.")
    run = RunFolder(path)
    about = read_about(run)
    recipe = load_recipe(run.recipe)
    if recipe.hash() != about["hash"]:
        raise RecipeError(f"{run.recipe}: was edited after the run started. Restore it.")
    return Chosen(recipe, Path(about["folder"]), path)

"""Where recipes are found: bundled with the package, in plugins, or files of one's own."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path

from domainbert.errors import RecipeError
from domainbert.plugin.registry import Registry


@dataclass(frozen=True)
class LibraryRecipe:
    """A recipe that can be named without a path, such as `bio/quickstart`."""

    name: str
    path: Path


def bundled_recipes() -> Path:
    """Return the folder of bundled recipes: in the wheel, or in a checkout beside `core/`."""
    packaged = Path(__file__).parents[1] / "recipes"
    return packaged if packaged.is_dir() else Path(__file__).parents[3] / "recipes"


def list_recipes(registry: Registry) -> list[LibraryRecipe]:
    """Return every recipe that has a name, bundled ones first, sorted by name."""
    found: dict[str, Path] = {}
    bundled = bundled_recipes()
    for path in sorted(bundled.glob("*/*.yaml")):
        found[path.relative_to(bundled).with_suffix("").as_posix()] = path
    for domain in registry.domains.values():
        for path in sorted(domain.recipes.glob("*.yaml")) if domain.recipes else ():
            found.setdefault(f"{domain.name}/{path.stem}", path)
    return [LibraryRecipe(name, path) for name, path in sorted(found.items())]


def find_recipe(name: str, registry: Registry) -> Path:
    """Return the path of a recipe given as a path or a library name.

    Raises:
        RecipeError: There is neither a file nor a library recipe of that name.
    """
    path = Path(name)
    if path.is_file():
        return path
    library = {recipe.name: recipe.path for recipe in list_recipes(registry)}
    key = name.removeprefix("recipes/").removesuffix(".yaml")
    if key in library:
        return library[key]
    close = difflib.get_close_matches(key, library, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    raise RecipeError(f"{name}: no such recipe file or name.{hint} See `domainbert recipes list`.")


def default_recipe(domain_name: str, registry: Registry) -> Path:
    """Return the recipe of `adapt --domain NAME`.

    Raises:
        PluginError: The domain is unknown.
        RecipeError: The domain has no default recipe.
    """
    domain = registry.domain(domain_name)
    if domain.default_recipe is None:
        raise RecipeError(
            f"Domain {domain_name!r} has no default recipe. Name one of `domainbert recipes list`."
        )
    return find_recipe(domain.default_recipe, registry)

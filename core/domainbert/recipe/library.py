"""Where recipes are found: bundled with the package, in plugins, or files of the user."""

from __future__ import annotations

from pathlib import Path

from domainbert.errors import RecipeError, did_you_mean
from domainbert.plugin.registry import Registry


def bundled_recipes() -> Path:
    """Return the folder of bundled recipes: in the wheel, or in a checkout beside `core/`."""
    packaged = Path(__file__).parents[1] / "recipes"
    return packaged if packaged.is_dir() else Path(__file__).parents[3] / "recipes"


def list_recipes(registry: Registry) -> dict[str, Path]:
    """Return the path of each recipe with a name, such as `bio/quickstart`, sorted by name."""
    paths = {f"{path.parent.name}/{path.stem}": path for path in bundled_recipes().glob("*/*.yaml")}
    for domain in registry.domains.values():
        for path in domain.recipes.glob("*.yaml") if domain.recipes else ():
            paths.setdefault(f"{domain.name}/{path.stem}", path)
    return dict(sorted(paths.items()))


def find_recipe(name: str, registry: Registry) -> Path:
    """Return the path of a recipe given as a path or a library name.

    Raises:
        RecipeError: There is neither a file nor a library recipe of that name.
    """
    if Path(name).is_file():
        return Path(name)
    library = list_recipes(registry)
    key = name.removeprefix("recipes/").removesuffix(".yaml")
    if key not in library:
        hint = f"{did_you_mean(key, library)} See `domainbert recipes list`."
        raise RecipeError(f"{name}: no such recipe file or name.{hint}")
    return library[key]


def default_recipe(domain_name: str, registry: Registry) -> Path:
    """Return the recipe of `adapt --domain NAME`.

    Raises:
        PluginError: The domain is unknown.
        RecipeError: The domain has no default recipe.
    """
    domain = registry.domain(domain_name)
    if domain.default_recipe is None:
        wanted = "Name one of `domainbert recipes list`."
        raise RecipeError(f"Domain {domain_name!r} has no default recipe. {wanted}")
    return find_recipe(domain.default_recipe, registry)

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from domainbert import Domain
from domainbert.errors import PluginError, RecipeError
from domainbert.plugin.registry import Registry, load_plugins
from domainbert.recipe.library import bundled_recipes, default_recipe, find_recipe, list_recipes
from domainbert.recipe.resolve import check_names, load_recipe

BUNDLED = sorted(bundled_recipes().glob("*/*.yaml"))
NOTHING = Registry(())


def with_domain(folder: Path | None = None, default: str | None = None) -> Registry:
    made = Domain(name="legal", title="Legal", recipes=folder, default_recipe=default)
    return Registry((), {"legal": made})


@pytest.fixture
def own(tmp_path: Path) -> Path:
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "small.yaml").write_text("name: small\n")
    (folder / "notes.txt").write_text("no recipe")
    return folder


def test_every_yaml_file_of_the_bundle_is_listed_by_its_path() -> None:
    listed = list_recipes(NOTHING)
    assert [recipe.path for recipe in listed] == BUNDLED
    assert [recipe.name for recipe in listed] == [
        f"{path.parent.name}/{path.stem}" for path in BUNDLED
    ]
    assert "bio/quickstart" in {recipe.name for recipe in listed}


@pytest.mark.parametrize("path", BUNDLED, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_bundled_recipe_is_valid_and_named_after_its_file(
    path: Path, bare_environment: None
) -> None:
    recipe = load_recipe(path)
    check_names(recipe, load_plugins())
    assert recipe.name == f"{path.parent.name}-{path.stem}" or recipe.name == path.stem
    assert recipe.title


def test_bundled_recipes_have_names_of_their_own() -> None:
    names = [load_recipe(path).name for path in BUNDLED]
    assert len(set(names)) == len(names)


def test_recipes_of_a_plugin_are_listed_under_its_domain(own: Path) -> None:
    listed = {recipe.name: recipe.path for recipe in list_recipes(with_domain(own))}
    assert listed == {
        **{f"{path.parent.name}/{path.stem}": path for path in BUNDLED},
        "legal/small": own / "small.yaml",
    }


def test_recipes_are_sorted_by_name(own: Path) -> None:
    names = [recipe.name for recipe in list_recipes(with_domain(own))]
    assert names == sorted(names)


def test_a_plugin_does_not_replace_a_bundled_recipe(own: Path) -> None:
    (own / "quickstart.yaml").write_text("name: other\n")
    registry = Registry((), {"bio": Domain(name="bio", title="Bio", recipes=own)})
    expected = bundled_recipes() / "bio" / "quickstart.yaml"
    assert find_recipe("bio/quickstart", registry) == expected


@pytest.mark.parametrize(
    "name", ["bio/quickstart", "bio/quickstart.yaml", "recipes/bio/quickstart.yaml"]
)
def test_a_recipe_is_found_by_name(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_recipe(name, NOTHING) == bundled_recipes() / "bio" / "quickstart.yaml"


def test_a_file_comes_before_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "bio" / "quickstart"
    path.parent.mkdir()
    path.write_text("name: mine\n")
    assert find_recipe("bio/quickstart", NOTHING) == Path("bio/quickstart")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("bio/quikstart", " Did you mean 'bio/quickstart'?"),
        ("recipes/bio/quikstart.yaml", " Did you mean 'bio/quickstart'?"),
        ("zzz", ""),
        ("", ""),
    ],
)
def test_an_unknown_recipe_gets_the_nearest_name(name: str, hint: str) -> None:
    with pytest.raises(RecipeError) as caught:
        find_recipe(name, NOTHING)
    assert str(caught.value) == (
        f"{name}: no such recipe file or name.{hint} See `domainbert recipes list`."
    )


def test_the_default_recipe_of_a_domain_is_looked_up_by_name(own: Path) -> None:
    registry = with_domain(own, "legal/small")
    assert default_recipe("legal", registry) == own / "small.yaml"


def test_a_domain_without_default_recipe_is_an_error_that_says_so() -> None:
    with pytest.raises(RecipeError) as caught:
        default_recipe("legal", with_domain())
    assert str(caught.value) == (
        "Domain 'legal' has no default recipe. Name one of `domainbert recipes list`."
    )


def test_an_unknown_domain_has_no_default_recipe(own: Path) -> None:
    with pytest.raises(PluginError, match="Unknown domain 'law'"):
        default_recipe("law", with_domain(own))


def test_default_recipes_of_installed_domains_exist(bare_environment: Any) -> None:
    registry = load_plugins()
    defaults = {
        name: default_recipe(name, registry).is_file()
        for name, domain in registry.domains.items()
        if domain.default_recipe
    }
    assert defaults["bio"]
    assert set(defaults.values()) == {True}

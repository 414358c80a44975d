from __future__ import annotations

import re
from pathlib import Path

import pytest

from domainbert import Domain
from domainbert.errors import RecipeError
from domainbert.plugin.registry import Registry, load_plugins
from domainbert.recipe.library import bundled_recipes, default_recipe, find_recipe, list_recipes
from domainbert.recipe.resolve import check_names, load_recipe

BUNDLED = {
    f"{path.parent.name}/{path.stem}": path for path in sorted(bundled_recipes().glob("*/*.yaml"))
}
NOTHING = Registry(())


@pytest.fixture
def own(tmp_path: Path) -> Registry:
    """A domain `bio` with two recipes, one of them named like a bundled one."""
    for name in ("small.yaml", "quickstart.yaml", "notes.txt"):
        (tmp_path / name).write_text("name: other\n")
    bio = Domain(name="bio", title="Bio", recipes=tmp_path, default_recipe="bio/small")
    return Registry((), {"bio": bio, "law": Domain(name="law", title="Law")})


def test_recipes_of_a_plugin_are_listed_under_its_domain_and_replace_no_bundled_one(
    own: Registry, tmp_path: Path
) -> None:
    assert list_recipes(NOTHING) == BUNDLED
    listed = list_recipes(own)
    assert listed == {**BUNDLED, "bio/small": tmp_path / "small.yaml"}
    assert default_recipe("bio", own) == tmp_path / "small.yaml"


@pytest.mark.parametrize("name", BUNDLED)
def test_every_bundled_recipe_is_valid_and_named_after_its_file(
    name: str, bare_environment: None
) -> None:
    recipe = load_recipe(BUNDLED[name])
    check_names(recipe, load_plugins())
    assert recipe.name in {name.replace("/", "-"), name.partition("/")[2]}
    assert recipe.title


def test_a_recipe_is_found_by_name_and_a_file_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("bio/quickstart", "bio/quickstart.yaml", "recipes/bio/quickstart.yaml"):
        assert find_recipe(name, NOTHING) == BUNDLED["bio/quickstart"]
    Path("bio").mkdir()
    Path("bio/quickstart").write_text("name: mine\n")
    assert find_recipe("bio/quickstart", NOTHING) == Path("bio/quickstart")


@pytest.mark.parametrize(
    ("name", "hint"),
    [("recipes/bio/quikstart.yaml", " Did you mean 'bio/quickstart'?"), ("zzz", ""), ("", "")],
)
def test_an_unknown_recipe_gets_the_nearest_name(name: str, hint: str) -> None:
    expected = f"^{name}: no such recipe file or name.{re.escape(hint)} See"
    with pytest.raises(RecipeError, match=expected):
        find_recipe(name, NOTHING)


def test_a_domain_without_a_default_recipe_is_refused(own: Registry) -> None:
    with pytest.raises(RecipeError, match=r"^Domain 'law' has no default recipe. Name one of"):
        default_recipe("law", own)

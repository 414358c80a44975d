from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from domainbert import Domain
from domainbert.plugin.registry import Registry, load_plugins
from domainbert.plugin_check import recipes
from domainbert.plugin_check.recipes import check_recipes
from domainbert.plugin_check.subject import Subject, subject_of
from domainbert.recipe.resolve import load_recipe


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Path]]:
    """Recipes that would be run; for real they are run by the test of the tutorial."""
    runs: list[dict[str, Path]] = []

    def run(_subject: Subject, recipes: dict[str, Path], _folder: Path) -> dict[str, str]:
        runs.append({name: Path(path.read_text()) for name, path in recipes.items()})
        return dict.fromkeys(recipes, "")

    monkeypatch.setattr(recipes, "run", run)
    return runs


def lines(folder: Path) -> list[str]:
    file = folder / "knots.py"
    found = check_recipes(subject_of(load_plugins([file]).domain("knots"), file))
    return [item.line for item in found]


def test_without_a_recipe_the_samples_are_run(folder: Path, asked: list[dict[str, Path]]) -> None:
    shutil.rmtree(folder / "recipes")
    source = (folder / "knots.py").read_text()
    (folder / "knots.py").write_text(source[: source.index("        recipes=")] + "    )\n")
    assert lines(folder) == [
        "ok    recipes: 0 valid recipes",
        "ok    runs: the samples: adapted and evaluated in miniature",
    ]
    (folder / "samples.yaml").write_text(str(asked[0]["the samples"]))
    recipe = load_recipe(folder / "samples.yaml")
    assert (recipe.domain, [c.name for c in recipe.corpus]) == ("knots", ["notes"])
    assert [task.name for task in recipe.tasks] == ["knot-names"]


def test_recipes_that_are_not_valid_and_a_default_that_is_not_there(
    folder: Path, asked: list[dict[str, Path]]
) -> None:
    path = folder / "recipes" / "quickstart.yaml"
    good = path.read_text()
    path.write_text(good.replace("steps", "stpes"))
    line = lines(folder)[0]
    assert line.startswith("FAIL  recipes: knots/quickstart: ")
    assert "unknown key. Did you mean 'steps'?" in line
    assert "`domainbert recipes validate knots/quickstart`" in line
    path.write_text(good.replace("knot-names", "other"))
    assert "has no task 'other'" in lines(folder)[0]
    path.write_text(good)
    path.rename(path.with_name("slow.yaml"))
    assert lines(folder)[0] == (
        "FAIL  recipes: default recipe 'knots/quickstart' does not exist  → name one of: knots/slow"
    )


def test_recipes_that_need_other_files_are_valid_but_not_run(
    folder: Path, asked: list[dict[str, Path]]
) -> None:
    path = folder / "recipes" / "quickstart.yaml"
    own = path.read_text().replace("{name: notes}", "{name: notes, path: /data/*.txt}")
    path.with_name("large.yaml").write_text(own)
    assert lines(folder)[1].endswith("evaluated in miniature; not run: knots/large")
    assert [list(run) for run in asked] == [["knots/quickstart"]]


def test_a_domain_with_nothing_to_run(bare_environment: None) -> None:
    bare = Subject(Domain("knots", "Knots"), Registry(()))
    assert [found.ok for found in check_recipes(bare)] == [True, True]

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from domainbert.errors import RecipeError
from domainbert.pipeline.asked import Arguments, Asked, understand
from domainbert.pipeline.choose import Chosen, load_registry
from domainbert.plugin.registry import Registry

RECIPE = """
name: mine
title: A title
tasks:
  - {name: tone, kind: classification, train: a.tsv, validation: b.tsv, test: c.tsv}
evaluate: {seeds: [3, 4], epochs: 2}
"""


@pytest.fixture
def registry() -> Registry:
    return load_registry(())


def asked(registry: Registry, folder: Path, *words: str, recipe: str = RECIPE) -> Asked:
    (folder / "mine.yaml").write_text(recipe, encoding="utf-8")
    return understand(
        Arguments(recipe=str(folder / "mine.yaml"), words=words), chosen=None, registry=registry
    )


def test_what_only_adds_trials_goes_to_the_same_folder(registry: Registry, tmp_path: Path) -> None:
    first = asked(registry, tmp_path).other
    for same in ("evaluate.seeds=[0,1,2,3]", "evaluate.baselines=all", "evaluate.keep=none"):
        assert asked(registry, tmp_path, same).other == first
    titled = RECIPE.replace("A title", "Another")
    assert asked(registry, tmp_path, recipe=titled).other == first
    for other in ("evaluate={seeds: [7]}", "evaluate.epochs=3", "tasks.0.train_records=50"):
        assert asked(registry, tmp_path, other).other != first


@pytest.mark.parametrize("word", ["evaluate.seeds=[7]", "evaluate={seeds: [7]}"])
def test_seeds_that_are_set_are_taken(registry: Registry, word: str) -> None:
    of_domain: Any = {"domain": "bio", "tasks": ("sample-disease",)}
    given = Arguments(**of_domain, words=(word,))
    assert understand(given, None, registry).settings.seeds == (7,)
    assert len(understand(Arguments(**of_domain), None, registry).settings.seeds) == 5


def of_run(folder: Path) -> Chosen:
    """The recipe of a run, whose folder holds it."""
    (folder / "run").mkdir()
    (folder / "run" / "recipe.yaml").write_text(f"base: one\ncorpus: []{RECIPE}", encoding="utf-8")
    return Chosen(SimpleNamespace(), folder, {}, folder / "run")  # type: ignore[arg-type]


def test_what_only_adds_trials_goes_into_the_run(registry: Registry, tmp_path: Path) -> None:
    chosen = of_run(tmp_path)
    (tmp_path / "mine.yaml").write_text(RECIPE, encoding="utf-8")
    mine = str(tmp_path / "mine.yaml")

    def other(**given: Any) -> str:
        return understand(Arguments(**given), chosen, registry).other

    for words in (("evaluate.seeds=[0,1]",), ("evaluate.baselines=all",), ("evaluate.epochs=2",)):
        assert other(words=words) == other(recipe=mine, words=words) == ""
    assert other(words=("evaluate.epochs=3",)) == other(recipe=mine, words=("evaluate.epochs=3",))
    assert other(words=("evaluate.epochs=3",)).startswith("mine-")
    # The same words in another folder mean other files.
    (tmp_path / "next").mkdir()
    (tmp_path / "next" / "mine.yaml").write_text(RECIPE, encoding="utf-8")
    assert other(recipe=str(tmp_path / "next" / "mine.yaml")).startswith("mine-")


def test_further_declared_tasks_go_to_the_same_folder(registry: Registry) -> None:
    words = ("evaluate.epochs=2",)
    tasks = (("sample-disease",), ("sample-disease", "ncbi-disease"))
    asked_for = [Arguments("bio", names, words=words) for names in tasks]
    assert len({understand(given, None, registry).other for given in asked_for}) == 1
    assert understand(Arguments("bio", tasks[0]), None, registry).other == ""


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"seeds": 2, "words": ("evaluate.seeds=[7]",)}, "--seeds and --set evaluate.seeds"),
        ({"seeds": 2, "words": ("evaluate={seeds: [7]}",)}, "--seeds and --set evaluate.seeds"),
        ({"baselines": "all", "words": ("evaluate.baselines=no",)}, "--baselines and --set"),
        ({"seeds": 0}, "seeds: 0; expected 1 to 1,000."),
        ({"seeds": -3}, "seeds: -3; expected 1 to 1,000."),
        ({"seeds": 1001}, "seeds: 1001; expected 1 to 1,000."),
    ],
)
def test_what_contradicts_itself_is_refused(
    registry: Registry, given: dict[str, Any], said: str
) -> None:
    with pytest.raises(RecipeError, match=said):
        understand(Arguments("bio", ("sample-disease",), **given), None, registry)

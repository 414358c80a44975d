from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from domainbert.pipeline.choose import load_registry
from domainbert.pipeline.comparison import Arguments, Asked, understand
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
    for other in ("evaluate.epochs=3", "tasks.0.train_records=50"):
        assert asked(registry, tmp_path, other).other != first


@pytest.mark.parametrize("word", ["evaluate.seeds=[7]", "evaluate={seeds: [7]}"])
def test_seeds_that_are_set_are_taken(registry: Registry, word: str) -> None:
    of_domain: Any = {"domain": "bio", "tasks": ("sample-disease",)}
    given = Arguments(**of_domain, words=(word,))
    assert understand(given, None, registry).settings.seeds == (7,)
    assert len(understand(Arguments(**of_domain), None, registry).settings.seeds) == 5

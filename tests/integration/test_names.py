"""A project keeps going whatever its folders are called, and wherever they are moved to."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers.runs import copied, weights

from domainbert.run.folder import RunFolder, read_lock

Adapt = Callable[..., Any]
ODD = "my [old] run*: naïve 北京\n$(x) 'q' -1"


@pytest.fixture(scope="module")
def town(make_town: Callable[[], Any]) -> Any:
    """A recipe of two phases without tasks, in a folder with an odd name."""
    made = make_town()
    made = replace(made, folder=made.folder / ODD)
    made.folder.mkdir()
    made.write(steps=6, head_steps=2, with_head=False, save_steps=3, sections={"tasks": []})
    return made


@pytest.fixture(scope="module")
def whole(town: Any, adapt: Adapt) -> RunFolder:
    adapt(town, "town.yaml", "--out", ODD)
    return RunFolder(town.folder / ODD)


def test_a_run_with_any_name_is_continued_by_its_folder(
    town: Any, whole: RunFolder, adapt: Adapt
) -> None:
    run = copied(whole, f"{ODD}2", 6)
    assert "continuing after step 6, bit-exact" in adapt(town, run.path.name).err
    assert weights(run) == weights(whole)


def test_a_project_that_was_moved_is_continued_with_its_recipe(
    town: Any, whole: RunFolder, adapt: Adapt
) -> None:
    first = replace(town, folder=town.folder.parent / "first")
    shutil.copytree(town.folder, first.folder)
    (first.folder / ODD).rename(first.folder / "whole")
    adapt(first, "town.yaml", "--out", "whole")
    copied(RunFolder(first.folder / "whole"), "run", 6)
    moved = replace(town, folder=first.folder.rename(town.folder.parent / "second"))
    run = RunFolder(moved.folder / "run")
    before = run.lock.read_bytes()
    assert adapt(moved, "run", code=2).err == (
        f"error: run: the folder of its recipe, {first.folder}, is gone. Continue with the recipe "
        "where it is now: domainbert adapt RECIPE --out run"
    )
    assert run.lock.read_bytes() == before
    adapt(moved, "town.yaml", "--out", "run")
    assert read_lock(run)["recipe"]["folder"] == str(moved.folder.resolve())
    assert weights(run) == weights(whole)
    adapt(moved, "run")


@pytest.mark.skipif(sys.platform == "darwin", reason="its file systems take no such name")
@pytest.mark.parametrize("which", ["recipe", "out", "corpus"])
def test_a_name_that_is_not_utf8_is_refused_in_words(town: Any, adapt: Adapt, which: str) -> None:
    bad = os.fsdecode(b"caf\xe9.txt")
    place = replace(town, folder=town.folder.parent / (bad if which == "recipe" else which))
    place.folder.mkdir()
    shutil.copytree(town.folder / "base", place.folder / "base")
    texts = bad if which == "corpus" else "letters.txt"
    shutil.copy(town.folder / "letters.txt", place.folder / texts)
    recipe = (town.folder / "town.yaml").read_text(encoding="utf-8")
    recipe = recipe.replace("letters.txt", "'*.txt'")
    (place.folder / "town.yaml").write_text(recipe, encoding="utf-8")
    out = bad if which == "out" else "run"
    output = adapt(place, "town.yaml", "--out", out, code=2)
    refused = {"recipe": place.folder, "out": Path(out), "corpus": Path(texts)}[which]
    shown = str(refused).encode(errors="backslashreplace").decode()
    assert output.err.splitlines()[-1] == (f"error: {shown}: this name is not UTF-8. Rename it.")
    assert not (place.folder / out).exists()

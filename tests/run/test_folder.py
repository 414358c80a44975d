from __future__ import annotations

import json
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from domainbert.errors import (
    RecipeError,
    RunFolderError,
    Stopped,
)
from domainbert.recipe.resolve import load_recipe, resolve_recipe
from domainbert.recipe.schema import Recipe
from domainbert.recipe.yaml import parse_yaml
from domainbert.run.environment import environment
from domainbert.run.folder import RunFolder, open_run, update_lock

TEXT = "name: mine\nbase: ./m\ncorpus: [{path: a.txt}]\ntrain: {steps: 10}\n"


def recipe(*overrides: str) -> Recipe:
    return resolve_recipe(parse_yaml(TEXT, "r.yaml"), overrides)[0]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def start(path: Path, *overrides: str, fail: type[BaseException] | None = None) -> None:
    with open_run(RunFolder(path), recipe(*overrides), Path(), is_main=True):
        if fail:
            raise fail


def refused(path: Path, *overrides: str) -> str:
    with pytest.raises(RunFolderError) as caught:
        start(path, *overrides)
    return str(caught.value)


# --- opening -----------------------------------------------------------------------------------


def test_a_new_folder_gets_the_resolved_recipe_and_a_lock(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "runs" / "mine")
    folder = tmp_path / "recipes"
    with open_run(run, recipe(), folder, is_main=True):
        assert names(run.path) == [".owner", "lock.json", "recipe.yaml"]
    assert load_recipe(run.recipe) == recipe()
    assert run.recipe.read_text().startswith(f"# Resolved recipe, sha256 {recipe().hash()}.\n")
    lock = json.loads(run.lock.read_text())
    assert lock == {
        "recipe": {"name": "mine", "hash": recipe().hash(), "folder": str(folder.resolve())},
        "environment": environment(),
    }


# --- refusing ----------------------------------------------------------------------------------


def test_another_recipe_takes_the_place_of_the_first_and_the_lock_keeps_the_rest(
    tmp_path: Path,
) -> None:
    run = RunFolder(tmp_path / "mine")
    start(run.path)
    update_lock(run, base={"commit": "abc"})
    before = run.lock.read_bytes()
    start(run.path)
    assert run.lock.read_bytes() == before
    start(run.path, "title=Better", "train.steps=11")
    changed = recipe("title=Better", "train.steps=11")
    assert load_recipe(run.recipe) == changed
    lock = json.loads(run.lock.read_text())
    assert (lock["recipe"]["hash"], lock["base"]) == (changed.hash(), {"commit": "abc"})


@pytest.mark.parametrize("name", ["notes.txt", ".hidden", "recipe.yaml"])
def test_a_folder_that_is_no_run_is_refused_and_unchanged(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    assert refused(tmp_path) == (
        f"{tmp_path}: exists and is not a run folder. Name another with --out."
    )
    assert names(tmp_path) == [name]


def test_a_folder_whose_first_lock_was_being_written_is_opened_and_swept(tmp_path: Path) -> None:
    for name in (".owner", ".lock.json.4711.tmp"):
        (tmp_path / name).write_text("{")
    start(tmp_path)
    assert names(tmp_path) == [".owner", "lock.json", "recipe.yaml"]
    (tmp_path / "lock.json").rename(tmp_path / ".lock.json.notes.tmp")
    assert "is not a run folder" in refused(tmp_path)


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("mine")
    assert refused(path) == f"{path}: is a file. Name a folder with --out."
    assert refused(path / "run").startswith(f"{path / 'run'}: ")
    assert path.read_text() == "mine"


@pytest.mark.parametrize("content", ["", "{", "[]", "5", '{"recipe": 5}', "{}"])
def test_a_damaged_lock_is_refused_and_unchanged(tmp_path: Path, content: str) -> None:
    (tmp_path / "lock.json").write_text(content)
    assert refused(tmp_path).startswith(f"{tmp_path}")
    assert (tmp_path / "lock.json").read_text() == content
    assert names(tmp_path) == ["lock.json"]


HOLD = """
import sys, time
from pathlib import Path
from domainbert.run.folder import owned

with owned(Path(sys.argv[1])):
    print("open", flush=True)
    time.sleep(60)
"""


def test_a_folder_in_use_by_another_process_is_refused_and_then_free(tmp_path: Path) -> None:
    path = tmp_path / "mine"
    start(path)
    words = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        message = refused(path)
        process.kill()
    owner = f"process {process.pid} on {platform.node()}"
    assert message.startswith(f"{path}: in use by {owner}. Wait for it, or name another")
    start(path)


# --- failing -----------------------------------------------------------------------------------


NEW = [".owner", "lock.json", "recipe.yaml"]


@pytest.mark.parametrize(
    ("error", "made", "kept"),
    [
        (RunFolderError, (), False),
        (Stopped("SIGTERM", ""), (), True),
        # A finished stage is kept unless the recipe is refused before anything has learned.
        (ValueError, ("corpus/stage.json",), True),
        (RecipeError, ("corpus/stage.json",), False),
        (RecipeError, ("corpus/stage.json", "pretrain/checkpoints/step-00000000"), True),
    ],
)
def test_a_new_folder_that_fails_is_removed_if_nothing_was_finished(
    tmp_path: Path, error: Any, made: tuple[str, ...], kept: bool
) -> None:
    path = tmp_path / "runs" / "mine"

    def fail() -> None:
        with open_run(RunFolder(path), recipe(), Path(), is_main=True):
            for name in made:
                (path / name).parent.mkdir(parents=True)
                (path / name).touch()
            raise error

    with pytest.raises(type(error) if isinstance(error, Exception) else error):
        fail()
    if kept:
        assert names(path) == sorted({*NEW, *(name.split("/")[0] for name in made)})
    else:
        assert names(tmp_path) == []

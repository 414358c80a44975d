from __future__ import annotations

import errno
import fcntl
import json
import os
import platform
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from domainbert.errors import RecipeError, RunFolderError, Stopped, StorageError, StorageFullError
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


@pytest.mark.parametrize(
    "text",
    [
        "Café – notes 🙂",
        "no",
        "1e-4",
        "2020-01-01",
        "*a: &b # c - 'd' \"e\"",
        " one\ttwo \n\n three\n",
        "word " * 60,
        "x" * 300,
        "bell\x07",
        "next\x85line",
        "new\u2028line and new\u2029paragraph",
    ],
    ids=ascii,
)
def test_the_resolved_recipe_has_the_hash_of_the_recipe(tmp_path: Path, text: str) -> None:
    values = recipe("train.learning_rate=1e-7").model_dump(mode="json")
    made = Recipe.model_validate({**values, "title": text, "corpus": [{"path": text}]})
    run = RunFolder(tmp_path / "mine")
    with open_run(run, made, Path(), is_main=True):
        assert load_recipe(run.recipe).hash() == made.hash()


def test_the_same_recipe_opens_its_folder_again_and_keeps_the_lock(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "mine")
    start(run.path)
    update_lock(run, base={"commit": "abc"})
    before = run.lock.read_bytes()
    start(run.path)
    assert run.lock.read_bytes() == before


def test_a_recipe_that_was_moved_is_kept_with_its_new_folder(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "mine")
    start(run.path)
    before = json.loads(run.lock.read_text())
    with open_run(run, recipe(), tmp_path, is_main=True):
        pass
    before["recipe"]["folder"] = str(tmp_path)
    assert json.loads(run.lock.read_text()) == before


def test_other_processes_than_the_main_one_neither_write_nor_own(tmp_path: Path) -> None:
    with open_run(RunFolder(tmp_path / "mine"), recipe(), Path(), is_main=False):
        assert names(tmp_path) == []


# --- refusing ----------------------------------------------------------------------------------


def test_another_recipe_takes_the_place_of_the_first_and_the_lock_keeps_the_rest(
    tmp_path: Path,
) -> None:
    run = RunFolder(tmp_path / "mine")
    start(run.path)
    update_lock(run, base={"commit": "abc"})
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
import sys
from pathlib import Path
from domainbert.recipe.resolve import load_recipe
from domainbert.run.folder import RunFolder, open_run

with open_run(RunFolder(Path(sys.argv[1])), load_recipe(sys.argv[2]), Path(), is_main=True):
    print("open", flush=True)
    sys.stdin.read()
"""


@contextmanager
def held_elsewhere(path: Path, recipe_file: Path) -> Iterator[subprocess.Popen[str]]:
    words = [sys.executable, "-c", HOLD, str(path), str(recipe_file)]
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "open\n"
            yield process
        finally:
            process.kill()


def test_a_folder_in_use_by_another_process_is_refused_and_free_when_that_is_killed(
    tmp_path: Path, snapshot: Callable[[Path], dict[str, str | None]]
) -> None:
    path = tmp_path / "mine"
    (tmp_path / "r.yaml").write_text(TEXT)
    with held_elsewhere(path, tmp_path / "r.yaml") as process:
        before = snapshot(path)
        assert refused(path) == (
            f"{path}: in use by process {process.pid} on {platform.node()}. Wait for it, or name "
            "another with --out."
        )
        assert snapshot(path) == before
        process.kill()
        process.wait()
        start(path)


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_told_as_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def flock(*_: Any) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", flock)
    path = tmp_path / "mine"
    assert refused(path) == (
        f"{path}: cannot be locked, so a second run could write into it: {os.strerror(number)}. "
        "Name a folder with --out on a file system that has locks, such as a local disk."
    )


@contextmanager
def nothing_may_grow() -> Iterator[None]:
    """Let this process write no byte more into any file."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_an_owner_for_whom_there_is_no_space_is_told_and_the_folder_opens_later(
    tmp_path: Path,
) -> None:
    with pytest.raises(StorageFullError) as caught, nothing_may_grow():
        start(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path / '.owner'}: no space left on the device (")
    start(tmp_path)
    assert names(tmp_path) == [".owner", "lock.json", "recipe.yaml"]


def test_an_owner_in_whose_place_a_folder_stands_is_an_error_in_words(tmp_path: Path) -> None:
    (tmp_path / ".owner").mkdir()
    with pytest.raises(StorageError, match=r"/\.owner: cannot be written: Is a directory\. "):
        start(tmp_path)


# --- failing -----------------------------------------------------------------------------------


NEW = [".owner", "lock.json", "recipe.yaml"]


@pytest.mark.parametrize(
    ("error", "made", "kept"),
    [
        (RunFolderError, (), False),
        (KeyboardInterrupt, (), False),
        (SystemExit, (), False),
        (ValueError, (), False),
        (Stopped("SIGTERM", ""), (), True),
        # A finished stage is kept unless the recipe is refused before anything has learned.
        (ValueError, ("corpus/stage.json",), True),
        (RecipeError, ("corpus/stage.json",), False),
        (RecipeError, ("corpus/stage.json", "pretrain/checkpoints/step-00000000"), True),
        (StorageError, ("corpus/stage.json",), True),
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


def test_a_folder_that_was_there_is_kept_if_it_fails(
    tmp_path: Path, snapshot: Callable[[Path], dict[str, str | None]]
) -> None:
    with pytest.raises(ValueError):
        start(tmp_path, fail=ValueError)
    assert [name for name in names(tmp_path) if name != ".owner"] == []
    start(tmp_path)
    before = snapshot(tmp_path)
    with pytest.raises(ValueError):
        start(tmp_path, fail=ValueError)
    assert snapshot(tmp_path) == before


# --- lock --------------------------------------------------------------------------------------


def test_the_lock_takes_more_entries_and_keeps_the_others(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    run.lock.write_text('{"a": 1, "b": 2}')
    update_lock(run, b=3, c={"d": 4})
    assert json.loads(run.lock.read_text()) == {"a": 1, "b": 3, "c": {"d": 4}}

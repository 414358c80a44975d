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
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domainbert.errors import RunFolderError, Stopped, StorageError, StorageFullError
from domainbert.recipe.resolve import load_recipe, resolve_recipe
from domainbert.recipe.schema import Recipe
from domainbert.recipe.yaml import parse_yaml
from domainbert.run.environment import environment
from domainbert.run.folder import RunFolder, open_run, update_lock
from domainbert.run.metrics import append_metrics, read_metrics, rewind_metrics
from domainbert.run.resume_command import next_command

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


def test_the_parts_of_a_run_have_fixed_places() -> None:
    run = RunFolder(Path("r"))
    places = [
        run.recipe,
        run.corpus,
        run.checkpoints,
        run.model,
        run.results,
        run.metrics,
        run.lock,
    ]
    assert [path.as_posix() for path in places] == [
        "r/recipe.yaml",
        "r/corpus",
        "r/checkpoints",
        "r/model",
        "r/results",
        "r/metrics.jsonl",
        "r/lock.json",
    ]


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
    (run.path / "metrics.jsonl").write_text('{"step": 1}\n')
    start(run.path)
    assert json.loads(run.lock.read_text())["base"] == {"commit": "abc"}
    assert read_metrics(run) == [{"step": 1}]


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


def test_the_folder_of_another_recipe_is_refused_and_unchanged(
    tmp_path: Path, snapshot: Callable[[Path], dict[str, str | None]]
) -> None:
    path = tmp_path / "mine"
    start(path)
    before = snapshot(tmp_path)
    assert refused(path, "train.steps=11", "name=other") == (
        f"{path}: holds another run (recipe 'mine', {recipe().hash()[:12]}…; this is 'other', "
        f"{recipe('train.steps=11', 'name=other').hash()[:12]}…; "
        "changed: name: 'mine' → 'other', train.steps: 10 → 11). Name another folder with --out."
    )
    assert snapshot(tmp_path) == before


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
    assert path.read_text() == "mine"


def test_a_folder_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    assert refused(tmp_path / "file" / "run").startswith(f"{tmp_path / 'file' / 'run'}: ")
    assert names(tmp_path) == ["file"]


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


@pytest.mark.parametrize("fail", [RunFolderError, KeyboardInterrupt, SystemExit])
def test_a_new_folder_is_removed_if_nothing_was_finished(
    tmp_path: Path, fail: type[BaseException]
) -> None:
    with pytest.raises(fail):
        start(tmp_path / "runs" / "new" / "mine", fail=fail)
    assert names(tmp_path) == []


def test_a_new_folder_is_kept_if_it_was_stopped(tmp_path: Path) -> None:
    with (
        pytest.raises(Stopped),
        open_run(RunFolder(tmp_path / "mine"), recipe(), Path(), is_main=True),
    ):
        raise Stopped("SIGTERM", "")
    assert names(tmp_path / "mine") == [".owner", "lock.json", "recipe.yaml"]


SHORT = "domainbert adapt mine"


@pytest.mark.parametrize(
    ("started", "short", "words", "expected"),
    [
        (True, SHORT, ["/bin/domainbert", "adapt", "r.yaml"], SHORT),
        (True, SHORT, ["teach.py"], SHORT),
        (False, SHORT, ["/bin/domainbert", "adapt", "my r.yaml"], "domainbert adapt 'my r.yaml'"),
        (False, SHORT, ["/x/domainbert/__main__.py", "adapt", "x"], "domainbert adapt x"),
        (False, SHORT, ["/domainbert/teach.py", "adapt"], "the same command"),
        (True, "", ["domainbert", "evaluate", "mine"], "domainbert evaluate mine"),
        (
            True, SHORT, ["domainbert", "adapt", "x", "--plugin=p.py"],
            "domainbert adapt x --plugin=p.py",
        ),
    ],
)  # fmt: skip
def test_the_next_command_is_one_that_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    started: bool, short: str, words: list[str], expected: str,
) -> None:  # fmt: skip
    if started:
        start(tmp_path / "mine")
    monkeypatch.setattr(sys, "argv", words)
    assert next_command(RunFolder(tmp_path / "mine"), short) == expected


def test_an_empty_folder_that_was_there_is_left_empty_if_nothing_was_finished(
    tmp_path: Path,
) -> None:
    with pytest.raises(ValueError):
        start(tmp_path, fail=ValueError)
    assert [name for name in names(tmp_path) if name != ".owner"] == []


def test_a_folder_whose_corpus_is_finished_is_kept(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "mine")

    def fail() -> None:
        with open_run(run, recipe(), Path(), is_main=True):
            run.corpus.mkdir()
            raise ValueError

    with pytest.raises(ValueError):
        fail()
    assert names(run.path) == [".owner", "corpus", "lock.json", "recipe.yaml"]


def test_a_folder_that_is_continued_is_kept_if_it_fails(
    tmp_path: Path, snapshot: Callable[[Path], dict[str, str | None]]
) -> None:
    start(tmp_path / "mine")
    before = snapshot(tmp_path)
    with pytest.raises(ValueError):
        start(tmp_path / "mine", fail=ValueError)
    assert snapshot(tmp_path) == before


# --- metrics -----------------------------------------------------------------------------------

ENTRIES = st.lists(
    st.fixed_dictionaries({"step": st.integers(0, 20), "loss": st.floats(0, 10)}), max_size=8
)


@settings(max_examples=40)
@given(entries=ENTRIES, step=st.integers(-1, 21), cut=st.integers(0, 5))
def test_metrics_come_back_and_rewinding_drops_later_steps_and_a_cut_line(
    tmp_path_factory: pytest.TempPathFactory, entries: list[dict[str, Any]], step: int, cut: int
) -> None:
    run = RunFolder(tmp_path_factory.mktemp("metrics"))
    for entry in entries:
        append_metrics(run, entry)
    assert read_metrics(run) == entries
    with run.metrics.open("a") as stream:
        stream.write('{"step": 1, "loss'[:cut])
    assert read_metrics(run) == entries
    rewind_metrics(run, step)
    kept = [entry for entry in entries if entry["step"] <= step]
    assert read_metrics(run) == kept
    append_metrics(run, {"step": 99})
    assert read_metrics(run) == [*kept, {"step": 99}]


@pytest.mark.parametrize(
    "line",
    [
        b"\xff\xfe", b"5", b"null", b"[]", b"{}", b"[" * 100_000,
        b'{"step": "2"}', b'{"step": true}', b'{"step": 2.0}',
    ],
    ids=lambda line: ascii(line[:12]),
)  # fmt: skip
def test_a_damaged_line_ends_the_metrics_and_what_follows_is_dropped(
    tmp_path: Path, line: bytes
) -> None:
    run = RunFolder(tmp_path)
    run.metrics.write_bytes(b'{"step": 1}\n' + line + b'\n{"step": 3}\n')
    assert read_metrics(run) == [{"step": 1}]
    rewind_metrics(run, 9)
    assert run.metrics.read_bytes() == b'{"step": 1}\n'


def test_metrics_of_a_run_that_was_renamed_are_refused(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "mine")

    def moved_away() -> None:
        with open_run(run, recipe(), Path(), is_main=True):
            run.path.rename(tmp_path / "moved")
            append_metrics(run, {"step": 1})

    with pytest.raises(StorageError, match=f"^{run.path}: was moved or removed"):
        moved_away()
    assert names(tmp_path) == ["moved"]


def test_without_metrics_there_are_none_and_nothing_is_made(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    assert read_metrics(run) == []
    rewind_metrics(run, 5)
    assert names(tmp_path) == []


# --- lock --------------------------------------------------------------------------------------


def test_the_lock_takes_more_entries_and_keeps_the_others(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    run.lock.write_text('{"a": 1, "b": 2}')
    update_lock(run, b=3, c={"d": 4})
    assert json.loads(run.lock.read_text()) == {"a": 1, "b": 3, "c": {"d": 4}}


def test_the_environment_names_versions_and_hardware_and_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("USER", "anna-tok3n")
    monkeypatch.setenv("HOME", "/home/anna-tok3n")
    found = environment()
    assert sorted(found) == ["cores", "processor", "python", "system", "versions"]
    assert found["python"] == platform.python_version()
    assert found["versions"]["domainbert"] == "0.1.0"
    libraries = {name for name in found["versions"] if not name.startswith("domainbert")}
    assert libraries == {
        "accelerate", "numpy", "pyarrow", "safetensors", "scikit-learn", "scipy", "seqeval",
        "tokenizers", "torch", "transformers",
    }  # fmt: skip
    assert found["versions"]["domainbert-bio"] == metadata.version("domainbert-bio")
    assert "tok3n" not in json.dumps(found)

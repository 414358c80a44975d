"""The run folder: who owns it, which recipe made it, and where things are.

recipe.yaml      the resolved recipe          lock.json       versions, hashes, hardware
metrics.jsonl    one line every N steps       corpus/         token store
vocabulary/      new entries, their corpus    head/           a head for a base without one
pretrain/        checkpoints                  adapted/        the model at the end of training
held-out/        scores on held-out text      results/        scores and predictions
tasks/           fine-tuned models
blend/           which model is handed over   model/          this model
README.md        the model card

Where points between base and adapted model are compared, `validation/` holds their scores and
`points/` the models, until one is chosen; `blend.svg` shows them.
Each stage has a folder with a `stage.json`; see `stage.py`.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from domainbert.errors import RunFolderError, Stopped, StorageError, UserError
from domainbert.recipe.schema import Recipe
from domainbert.run.environment import environment
from domainbert.storage.files import make_folder, read_json, storage_errors, write_json, write_text
from domainbert.system import lock

_OWNER = ".owner"
_PARTS = "corpus-parts"
_DAMAGED = ": lock.json is damaged. Name another folder with --out."
# What owning the folder and a first write of the lock leave behind when they are killed.
_BEGUN = re.compile(r"\.owner|\.lock\.json\.\d+\.tmp")


class _Inside:
    """A path inside a run folder."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, run: RunFolder, _: Any) -> Path:
        return run.path / self.name


@dataclass(frozen=True)
class RunFolder:
    """Paths inside one run folder.

    Args:
        path: The folder.
        training: Stage of training whose checkpoints and metrics are written: `head` or `pretrain`.
    """

    path: Path
    training: str = "pretrain"

    recipe = _Inside("recipe.yaml")
    corpus = _Inside("corpus")
    adapted = _Inside("adapted")
    adapter = _Inside("adapter")
    points = _Inside("points")
    validation = _Inside("validation")
    model = _Inside("model")
    sentences = _Inside("sentences")
    results = _Inside("results")
    kept = _Inside("tasks")
    metrics = _Inside("metrics.jsonl")
    card = _Inside("README.md")
    lock = _Inside("lock.json")

    @property
    def checkpoints(self) -> Path:
        """Checkpoints of the training stage."""
        return self.path / self.training / "checkpoints"


@contextmanager
def open_run(run: RunFolder, recipe: Recipe, recipe_folder: Path, is_main: bool) -> Iterator[None]:
    """Create or open a run folder, and own it while the block runs.

    A new folder in which nothing was finished is removed again when the block fails; if it was
    stopped, it stays, since the command that continues names it.

    Args:
        run: The folder.
        recipe: Resolved; takes the place of the recipe that is there.
        recipe_folder: Where its relative paths start; kept for resuming.
        is_main: Only the main process writes and owns; others go ahead.

    Raises:
        RunFolderError: It holds files that are not a run, or is in use.
    """
    if not is_main:
        yield
        return
    check_run_folder(run)
    above = [folder for folder in (run.path, *run.path.parents) if not folder.exists()]
    is_new = not run.lock.is_file()
    with owned(run.path):
        _sweep(run)
        try:
            _write_recipe(run, recipe, recipe_folder, is_new)
            yield
        except BaseException as error:
            refused = isinstance(error, UserError) and not isinstance(error, StorageError)
            kept = ("*/checkpoints", "adapted") if refused else ("*/stage.json",)
            finished = any(item for pattern in kept for item in run.path.glob(pattern))
            if is_new and not isinstance(error, Stopped) and not finished:
                for item in list(run.path.glob("*")):
                    _delete(item)
                for folder in above:
                    with suppress(OSError):  # somebody else has put something there
                        folder.rmdir()
            raise


def _write_recipe(run: RunFolder, recipe: Recipe, folder: Path, is_new: bool) -> None:
    about = {"name": recipe.name, "hash": recipe.hash(), "folder": str(folder.resolve())}
    lock = {"environment": environment()} if is_new else read_lock(run)
    if lock.get("recipe") != about:
        write_json(run.lock, {**lock, "recipe": about})
    dumped = yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False)
    text = f"# Resolved recipe, sha256 {recipe.hash()}.\n{dumped}"
    if not run.recipe.is_file() or run.recipe.read_text(encoding="utf-8") != text:
        write_text(run.recipe, text)


def _sweep(run: RunFolder) -> None:
    """Remove what a killed process had begun to write beside its place."""
    for depth in ("", "*/", "*/*/"):
        for item in list(run.path.glob(f"{depth}.*.tmp")):
            if _PARTS not in item.parts:  # of jobs that may still run
                _delete(item)


def _delete(item: Path) -> None:
    if item.is_dir():
        shutil.rmtree(item)
    else:
        item.unlink()


def check_run_folder(run: RunFolder) -> None:
    """Refuse a folder that holds something else than a run."""
    path = run.path
    if run.lock.is_file():
        read_about(run)
    elif path.exists() and not path.is_dir():
        raise RunFolderError(f"{path}: is a file. Name a folder with --out.")
    elif path.exists() and not all(_BEGUN.fullmatch(item.name) for item in path.iterdir()):
        raise RunFolderError(f"{path}: exists and is not a run folder. Name another with --out.")


def read_about(run: RunFolder) -> dict[str, str]:
    """Return what the lock says of the recipe."""
    try:
        about = read_lock(run)["recipe"]
        return {key: str(about[key]) for key in ("name", "hash", "folder")}
    except (TypeError, KeyError):
        raise RunFolderError(f"{run.path}{_DAMAGED}") from None


def read_lock(run: RunFolder) -> dict[str, Any]:
    """Return all that `lock.json` holds."""
    try:
        return dict(read_json(run.lock))
    except (OSError, ValueError, TypeError, RecursionError):
        raise RunFolderError(f"{run.path}{_DAMAGED}") from None


def update_lock(run: RunFolder, **entries: Any) -> None:
    """Add entries to `lock.json`."""
    write_json(run.lock, {**read_lock(run), **entries})


@contextmanager
def owned(path: Path) -> Iterator[None]:
    """Let no other process write into a folder while the block runs.

    Raises:
        RunFolderError: The folder cannot be made or locked, or another process owns it.
        StorageError: The owner's name cannot be written.
    """
    try:
        make_folder(path)
    except OSError as error:
        raise RunFolderError(f"{path}: cannot be made: {error.strerror}.") from None
    with storage_errors(path / _OWNER):
        # Unbuffered: what could not be written must not be tried again on closing.
        stream = (path / _OWNER).open("a+b", buffering=0)
    with stream:
        _lock(path, stream)
        with storage_errors(path / _OWNER):
            stream.truncate(0)
            stream.write(f"process {os.getpid()} on {socket.gethostname()}".encode())
        yield


def _lock(path: Path, stream: io.FileIO) -> None:
    try:
        # The system drops the lock when the process ends, however it ends.
        lock(stream)
    except BlockingIOError:
        stream.seek(0)
        owner = stream.read().decode(errors="replace").strip() or "another process"
        wait = "Wait for it, or name another with --out."
        raise RunFolderError(f"{path}: in use by {owner}. {wait}") from None
    except OSError as error:
        raise RunFolderError(
            f"{path}: cannot be locked against a second run: {error.strerror}. Name a folder with "
            "--out on a file system that has locks, such as a local disk."
        ) from None

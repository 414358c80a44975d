"""The run folder: who owns it, which recipe made it, and where things are.

recipe.yaml      the resolved recipe          lock.json       versions, hashes, hardware
metrics.jsonl    one line every N steps       corpus/         token store
vocabulary/      new entries, their corpus    head/           a head for a base without one
pretrain/        checkpoints                  model/          the adapted model
held-out/        scores on held-out text      results/        scores and predictions
README.md        the model card

Each stage has a folder with a `stage.json`; see `stage.py`.
"""

from __future__ import annotations

import fcntl
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

_OWNER = ".owner"
# What owning the folder and a first write of the lock leave behind when they are killed.
_BEGUN = re.compile(r"\.owner|\.lock\.json\.\d+\.tmp")


@dataclass(frozen=True)
class RunFolder:
    """Paths inside one run folder.

    Args:
        path: The folder.
        training: Stage of training whose checkpoints and metrics are written: `head` or `pretrain`.
    """

    path: Path
    training: str = "pretrain"

    @property
    def recipe(self) -> Path:
        """The resolved recipe."""
        return self.path / "recipe.yaml"

    @property
    def corpus(self) -> Path:
        """Stage `corpus`."""
        return self.path / "corpus"

    @property
    def checkpoints(self) -> Path:
        """Checkpoints of the training stage."""
        return self.path / self.training / "checkpoints"

    @property
    def model(self) -> Path:
        """The adapted model; loads with plain `from_pretrained`."""
        return self.path / "model"

    @property
    def results(self) -> Path:
        """Scores and predictions."""
        return self.path / "results"

    @property
    def metrics(self) -> Path:
        """One JSON line every `logging_steps` steps."""
        return self.path / "metrics.jsonl"

    @property
    def card(self) -> Path:
        """The model card; written last."""
        return self.path / "README.md"

    @property
    def lock(self) -> Path:
        """What this run depends on."""
        return self.path / "lock.json"


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
    existed = run.path.exists()
    above = [folder for folder in run.path.parents if not folder.exists()]
    is_new = not run.lock.is_file()
    with owned(run.path):
        _sweep(run)
        try:
            _write_recipe(run, recipe, recipe_folder, is_new)
            yield
        except BaseException as error:
            refused = isinstance(error, UserError) and not isinstance(error, StorageError)
            finished = bool([*run.path.glob("*/stage.json")])
            trained = bool([*run.path.glob("*/checkpoints")])
            empty = is_new and not isinstance(error, Stopped)
            if empty and (not finished or (refused and not trained)):
                _remove(run.path, existed)
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
    if is_new or not run.recipe.is_file() or run.recipe.read_text(encoding="utf-8") != text:
        write_text(run.recipe, text)


def _sweep(run: RunFolder) -> None:
    """Remove what a killed process had begun to write beside its place."""
    folders = [run.path, *run.path.glob("*/"), *run.path.glob("*/*/")]
    for folder in folders:
        if folder.is_dir():
            _sweep_folder(folder)


def _sweep_folder(folder: Path) -> None:
    for item in folder.glob(".*.tmp"):
        if item.is_dir():
            shutil.rmtree(item)
        else:
            item.unlink()


def _remove(path: Path, keep_folder: bool) -> None:
    if not path.is_dir():  # moved away meanwhile
        return
    for item in path.iterdir():
        if item.is_dir():
            shutil.rmtree(item)
        else:
            item.unlink()
    if not keep_folder:
        path.rmdir()


def check_run_folder(run: RunFolder) -> None:
    """Refuse a folder that holds something else than a run."""
    path = run.path
    if run.lock.is_file():
        read_about(run)
    elif path.exists() and not path.is_dir():
        raise RunFolderError(f"{path}: is a file. Name a folder with --out.")
    elif path.exists() and not all(_BEGUN.fullmatch(item.name) for item in path.iterdir()):
        raise RunFolderError(f"{path}: exists and is not a run folder. Name another with --out.")


def read_about(run: RunFolder) -> dict[str, Any]:
    """Return what the lock says of the recipe."""
    try:
        about = read_json(run.lock)["recipe"]
        return {key: str(about[key]) for key in ("name", "hash", "folder")}
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        raise _damaged(run) from None


def _damaged(run: RunFolder) -> RunFolderError:
    return RunFolderError(f"{run.path}: lock.json is damaged. Name another folder with --out.")


def update_lock(run: RunFolder, **entries: Any) -> None:
    """Add entries to `lock.json`."""
    write_json(run.lock, {**read_lock(run), **entries})


def read_lock(run: RunFolder) -> dict[str, Any]:
    """Return all that `lock.json` holds."""
    try:
        lock: dict[str, Any] = read_json(run.lock)
        return {**lock}
    except (OSError, ValueError, TypeError, RecursionError):
        raise _damaged(run) from None


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
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        stream.seek(0)
        owner = stream.read().decode(errors="replace").strip() or "another process"
        raise RunFolderError(
            f"{path}: in use by {owner}. Wait for it, or name another with --out."
        ) from None
    except OSError as error:
        raise RunFolderError(
            f"{path}: cannot be locked, so a second run could write into it: {error.strerror}. "
            "Name a folder with --out on a file system that has locks, such as a local disk."
        ) from None

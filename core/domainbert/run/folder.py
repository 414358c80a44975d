"""The run folder: who owns it, what made it, and its metrics.

recipe.yaml      the resolved recipe          lock.json       versions, hashes, hardware
metrics.jsonl    one line every N steps       corpus/         the token store
checkpoints/     newest whole checkpoints     model/          the adapted model
results/         scores and predictions       README.md       the model card
vocabulary.json  what was added to the tokenizer, and base/ what was read and measured before that
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
from domainbert.recipe.origins import changes
from domainbert.recipe.schema import Recipe
from domainbert.run.environment import environment
from domainbert.storage.files import make_folder, read_json, storage_errors, write_json, write_text

_OWNER = ".owner"
# What owning the folder and a first write of the lock leave behind when they are killed.
_BEGUN = re.compile(r"\.owner|\.lock\.json\.\d+\.tmp")


@dataclass(frozen=True)
class RunFolder:
    """Paths inside one run folder."""

    path: Path

    @property
    def recipe(self) -> Path:
        """The resolved recipe."""
        return self.path / "recipe.yaml"

    @property
    def corpus(self) -> Path:
        """The token store."""
        return self.path / "corpus"

    @property
    def before_extension(self) -> RunFolder:
        """Tokens, head and measurement of the base as it came; only if its vocabulary grows."""
        return RunFolder(self.path / "base")

    @property
    def checkpoints(self) -> Path:
        """Checkpoints of training."""
        return self.path / "checkpoints"

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
    """Create a run folder, or open it again if it belongs to the same recipe, and own it.

    A new folder in which nothing was finished is removed again when the block fails; if it was
    stopped, the folder is what the command that continues it names.

    Args:
        run: The folder.
        recipe: Resolved.
        recipe_folder: Where its relative paths start; kept for resuming.
        is_main: Only the main process writes and owns; others go ahead.

    Raises:
        RunFolderError: It holds another run, files that are not a run, or is in use.
    """
    if not is_main:
        yield
        return
    check_run_folder(run, recipe)
    existed = run.path.exists()
    above = [folder for folder in run.path.parents if not folder.exists()]
    is_new = not run.lock.is_file()
    with owned(run.path):
        _sweep(run)
        try:
            about = {
                "name": recipe.name,
                "hash": recipe.hash(),
                "folder": str(recipe_folder.resolve()),
            }
            lock = {"environment": environment()} if is_new else read_lock(run)
            if lock.get("recipe") != about:  # new, or the recipe is in another place now
                write_json(run.lock, {**lock, "recipe": about})
            dumped = yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False)
            write_text(run.recipe, f"# Resolved recipe, sha256 {recipe.hash()}.\n{dumped}")
            yield
        except BaseException as error:
            ours = isinstance(error, UserError) and not isinstance(error, StorageError)
            first = run.before_extension
            read = run.corpus.exists() or first.corpus.exists()
            trained = run.checkpoints.exists() or first.checkpoints.exists()
            empty = is_new and not isinstance(error, Stopped)
            if empty and (not read or (ours and not trained)):
                _remove(run.path, existed)
                for folder in above:
                    with suppress(OSError):  # somebody else has put something there
                        folder.rmdir()
            raise


def _sweep(run: RunFolder) -> None:
    """Remove what a killed process had begun to write beside its place."""
    for place in (run, run.before_extension):
        for folder in (place.path, place.checkpoints, place.results, *place.results.glob("*/")):
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


def check_run_folder(run: RunFolder, recipe: Recipe) -> None:
    """Refuse a folder that holds another run or something else."""
    path = run.path
    if run.lock.is_file():
        found = read_about(run)
        if found.get("hash") != recipe.hash():
            raise RunFolderError(
                f"{path}: holds another run (recipe {found.get('name')!r}, "
                f"{str(found.get('hash'))[:12]}…; this is {recipe.name!r}, {recipe.hash()[:12]}…"
                f"{changes(run.recipe, recipe)}). Name another folder with --out."
            )
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


def read_training(run: RunFolder) -> tuple[int, float]:
    """Return tokens and minutes of continued pretraining; zeros for a run that is not finished."""
    try:
        about = read_json(run.lock).get("training", {})
        return int(about.get("tokens", 0)), float(about.get("minutes", 0.0))
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
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

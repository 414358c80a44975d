"""Files of a finished run that were damaged are noticed or rebuilt, by every command."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from helpers.bad_inputs import Case
from helpers.runs import cut, flip

pytestmark = pytest.mark.slow

AGAIN = "adapt run"
COMMANDS = (AGAIN, "evaluate run", "compare run/results", "leaderboard run/results --out board")
FILES = (
    "lock.json", "recipe.yaml", "README.md", "metrics.jsonl", "corpus/stage.json",
    "corpus/store/manifest.json", "corpus/store/store.arrow", "corpus/store/state.json",
    "pretrain/stage.json", "held-out/base/stage.json", "held-out/adapted/stage.json",
    "blend/stage.json", "adapted/config.json", "adapted/model.safetensors",
    "model/config.json", "model/model.safetensors", "model/tokenizer.json",
    "model/tokenizer_config.json", "results/town-names/base-seed-0.json",
)  # fmt: skip
FREE = (0, 1, 2)
"""Rebuilt, refused, or of no use to the command; never a traceback, never a hang."""


def empty(path: Path) -> None:
    path.write_bytes(b"")


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


CHANGES = (flip, cut, empty, pipe, folder, Path.unlink)


def damaged(change: Callable[[Path], object]) -> Iterator[Case]:
    """Each file of a run with one kind of damage."""
    for name in FILES:
        several = 4 if name == FILES[-1] else 1 + name.startswith("model")
        for command in COMMANDS[:several]:
            yield Case(f"{name}: {command}", on(name, change), "", command, FREE)


def on(name: str, change: Callable[[Path], object]) -> Callable[[Path], object]:
    return lambda project: change(project / "run" / name)


def folders() -> Iterator[Case]:
    """Folders of a run that are gone, or are something else."""
    for name in (
        "corpus",
        "pretrain",
        "held-out",
        "adapted",
        "blend",
        "model",
        "results",
        "corpus/store",
    ):
        gone = on(name, shutil.rmtree)
        yield Case(f"{name}: gone", gone, "", AGAIN, (0,))
        yield Case(f"{name}: a file", on(name, file_instead), "run", AGAIN, FREE)
    for words in ("adapt nowhere", "adapt base", "evaluate base2", "evaluate town.yaml", "compare",
                  "compare run", "compare nowhere elsewhere", "leaderboard nowhere", "adapt",
                  "evaluate run --against nowhere", "evaluate run --seeds 0",
                  "evaluate run --seeds x",
                  "recipes show nope", "recipes copy nope", "recipes validate nowhere.yaml",
                  "plugins check nope", "plugins new", "plugins new ../x", "plugins new a/b",
                  "tokenizer report", "tokenizer report nowhere",
                  "tokenizer extend nowhere --out x",
                  "tokenizer report base --text nowhere.txt", "nope", "--nope",
                  "adapt --domain nope",
                  "adapt town.yaml --out town.yaml", "adapt town.yaml --out base",
                  "adapt letters.txt --out x", "adapt base/model.safetensors --out x",
                  "adapt town.yaml --out /proc/x", "adapt town.yaml --out /dev/null/x",
                  "adapt --plugin nowhere.py town.yaml",
                  "adapt --plugin letters.txt town.yaml"):  # fmt: skip
        yield Case(words, lambda project: None, "", words)


def file_instead(path: Path) -> None:
    shutil.rmtree(path)
    path.write_text("text", encoding="utf-8")


@pytest.mark.parametrize("change", CHANGES)
def test_damaged_files(change: Callable[[Path], object], check: Callable[..., None]) -> None:
    check(damaged(change), finished=True)


def test_folders_and_words(check: Callable[..., None]) -> None:
    check(folders(), finished=True)

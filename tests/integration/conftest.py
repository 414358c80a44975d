"""A small adaptation that takes seconds: tiny base, own texts, own task."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

PEOPLE = ["baker", "clerk", "miller", "painter"]
PLACES = ["barn", "garden", "market", "valley"]


@dataclass(frozen=True)
class Outcome:
    """What became of a command."""

    code: int
    out: str
    err: str


def _columns(first: int, count: int) -> str:
    lines = []
    for n in range(first, first + count):
        role, place = PEOPLE[n % 4], PLACES[n // 4 % 4]
        lines.append(f"the\tO\n{role}\tB-ROLE\nfound\tO\nthe\tB-PLACE\n{place}\tI-PLACE\n")
    return "\n".join(lines)


@dataclass(frozen=True)
class Town:
    """A folder with a base, a corpus, a task and a recipe.

    Args:
        folder: Where they are.
        variables: Of the environment of commands.
    """

    folder: Path
    variables: dict[str, str] = field(default_factory=dict)

    def write(self, documents: int = 40, with_head: bool = True, **train: Any) -> Path:
        """Write everything and return the recipe's path."""
        from domainbert.testing import sample_texts, tiny_checkpoint

        tiny_checkpoint(self.folder / "base", with_head=with_head)
        texts = "".join(text + "\n" for text in sample_texts(documents))
        (self.folder / "letters.txt").write_text(texts, encoding="utf-8")
        for split, first, count in (("train", 0, 12), ("validation", 12, 4), ("test", 16, 8)):
            path = self.folder / f"{split}.tsv"
            path.write_text(_columns(first, count), encoding="utf-8")
        settings = {
            "steps": 12, "batch_size": 4, "micro_batch_size": 2, "max_seq_length": 32,
            "precision": "fp32", "logging_steps": 1, "save_steps": 5, "head_steps": 4,
        }  # fmt: skip
        recipe = {
            "name": "town",
            "base": "base",
            "corpus": [{"path": "letters.txt", "text_unit": "line"}],
            "held_out": {"fraction": 0.2},
            "train": settings | train,
            "tasks": [
                {
                    "name": "town-names",
                    "kind": "tagging",
                    "train": "train.tsv",
                    "validation": "validation.tsv",
                    "test": "test.tsv",
                }
            ],
            "evaluate": {"seeds": [0, 1], "epochs": 1, "batch_size": 4, "max_seq_length": 16},
        }
        path = self.folder / "town.yaml"
        path.write_text(yaml.safe_dump(recipe), encoding="utf-8")
        return path

    def start(self, *words: object) -> subprocess.Popen[str]:
        """Start the command line, or another module, in a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", *map(str, words)],
            cwd=self.folder,
            env={**os.environ, **self.variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )


def _variables(home: Path) -> dict[str, str]:
    return {
        "ACCELERATE_USE_CPU": "true",
        "DOMAINBERT_CACHE": str(home / "cache"),
        "DOMAINBERT_PLUGINS": "",
        "HF_HOME": str(home / "hub"),
        "HF_HUB_OFFLINE": "1",
        # One thread everywhere: sums are then added up in one order.
        "OMP_NUM_THREADS": "1",
        "NO_COLOR": "1",
    }


@pytest.fixture(scope="session")
def make_town(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Town]:
    """Make an empty folder for a town."""

    def make() -> Town:
        folder = tmp_path_factory.mktemp("town")
        return Town(folder, _variables(tmp_path_factory.getbasetemp()))

    return make


@pytest.fixture(scope="session")
def adapt() -> Callable[..., Outcome]:
    """Call `domainbert adapt` in this process, errors handled as for a user."""
    import torch
    from typer.testing import CliRunner

    from domainbert.cli.app import app
    from domainbert.errors import DomainBertError

    def call(town: Town, *words: object, code: int = 0) -> Outcome:
        torch.set_num_threads(1)
        before = Path.cwd()
        os.chdir(town.folder)
        try:
            result = CliRunner().invoke(app, ["adapt", *map(str, words)], env=town.variables)
        finally:
            os.chdir(before)
        failure = result.exception
        if isinstance(failure, DomainBertError):
            outcome = Outcome(failure.exit_code, result.stdout, f"{result.stderr}error: {failure}")
        elif failure is not None and not isinstance(failure, SystemExit):
            raise failure
        else:
            outcome = Outcome(result.exit_code, result.stdout, result.stderr)
        assert outcome.code == code, outcome
        return outcome

    return call

"""A small adaptation that takes seconds: tiny base, own texts, own tasks."""

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
ANIMALS = [
    "the quokka and two quokkas borrowed a basket",
    "a quokka opened the heron pond before dawn",
    "herons moved in with the quokka",
]
"""Lines with words that the tiny vocabularies lack."""
SPLITS = ("train", "validation", "test")
HELD_OUT = "held_out"
"""Key of the recipe's section."""


@dataclass(frozen=True)
class Outcome:
    """What became of a command."""

    code: int
    out: str
    err: str


def columns(first: int, count: int) -> str:
    """Return sentences to tag."""
    lines = []
    for n in range(first, first + count):
        role, place = PEOPLE[n % 4], PLACES[n // 4 % 4]
        lines.append(f"the\tO\n{role}\tB-ROLE\nfound\tO\nthe\tB-PLACE\n{place}\tI-PLACE\n")
    return "\n".join(lines)


def table(first: int, count: int, several: bool) -> str:
    """Return texts to classify, some with several labels."""
    rows = ["text\tlabel"]
    for n in range(first, first + count):
        who, where = f"the {PEOPLE[n % 4]} of {n}", f"the {PLACES[n // 3 % 4]} of {n}"
        if several and n % 3 == 0:
            rows.append(f"{who} and {where}\tperson|place")
        else:
            rows.append(f"{who}\tperson" if n % 2 else f"{where}\tplace")
    return "\n".join(rows) + "\n"


def task(name: str, kind: str, stem: str = "", **more: Any) -> dict[str, Any]:
    """Return a task of a recipe, with files called after their split."""
    return {"name": name, "kind": kind, **{s: f"{stem}{s}.tsv" for s in SPLITS}, **more}


def recipe(train: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a recipe of 12 steps and one task."""
    settings = {
        "steps": 12, "batch_size": 4, "micro_batch_size": 2, "max_seq_length": 32,
        "precision": "fp32", "logging_steps": 1, "save_steps": 5, "head_steps": 4,
    }  # fmt: skip
    return {
        "name": "town",
        "base": "base",
        "corpus": [{"path": "letters.txt", "text_unit": "line"}],
        HELD_OUT: {"fraction": 0.2},
        "train": settings | train,
        "tasks": [task("town-names", "tagging")],
        "evaluate": {
            "seeds": [0, 1],
            "epochs": 1,
            "min_steps": 1,
            "batch_size": 4,
            "max_seq_length": 16,
        },
        **more,
    }


@dataclass(frozen=True)
class Town:
    """A folder with a base, a corpus, a task and a recipe.

    Args:
        folder: Where they are.
        variables: Of the environment of commands.
    """

    folder: Path
    variables: dict[str, str] = field(default_factory=dict)

    def write(
        self,
        with_head: bool = True,
        sections: dict[str, Any] | None = None,
        animals: bool = False,
        **train: Any,
    ) -> Path:
        """Write base, files and recipe; return the recipe's path.

        Args:
            with_head: Whether the base has a trained MLM head.
            sections: Of the recipe, beside `train:`.
            animals: Whether the corpus has lines for new vocabulary entries.
            train: Keys of `train:`.
        """
        from domainbert.testing import sample_texts, tiny_checkpoint

        tiny_checkpoint(self.folder / "base", with_head=with_head)
        texts = list(sample_texts(40))
        texts += [f"{line} number {n}" for n in range(12 * animals) for line in ANIMALS]
        letters = "".join(text + "\n" for text in texts)
        (self.folder / "letters.txt").write_text(letters, encoding="utf-8")
        for split, first, count in zip(SPLITS, (0, 12, 16), (12, 4, 8), strict=True):
            (self.folder / f"{split}.tsv").write_text(columns(first, count), encoding="utf-8")
        return self.save(recipe(train, **(sections or {})))

    def save(self, values: dict[str, Any]) -> Path:
        """Write a recipe to `town.yaml`."""
        path = self.folder / "town.yaml"
        path.write_text(yaml.safe_dump(values), encoding="utf-8")
        return path

    def start(self, *words: object) -> subprocess.Popen[str]:
        """Start the command line, or another module, in a separate process."""
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


@pytest.fixture(scope="session")
def make_town(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Town]:
    """Make an empty folder for a town."""

    def make() -> Town:
        home = tmp_path_factory.getbasetemp()
        variables = {
            "ACCELERATE_USE_CPU": "true",
            "DOMAINBERT_CACHE": str(home / "cache"),
            "DOMAINBERT_PLUGINS": "",
            "HF_HOME": str(home / "hub"),
            "HF_HUB_OFFLINE": "1",
            # One thread everywhere, since the order of sums decides their bits.
            "OMP_NUM_THREADS": "1",
            "NO_COLOR": "1",
        }
        return Town(tmp_path_factory.mktemp("town"), variables)

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

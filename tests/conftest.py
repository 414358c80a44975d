"""Fixtures that several test files share."""

from __future__ import annotations

import hashlib
import importlib
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from helpers.file_server import file_server, other_server, reply  # noqa: F401  # fixtures
from helpers.hub import data_hub, model_hub  # noqa: F401  # fixtures
from helpers.town import Outcome
from helpers.training import (  # noqa: F401  # fixtures
    family_folder,
    load,
    make_job,
    make_store,
    session,
    train_once,
)
from hypothesis import settings

# Test files run side by side; several threads each would only wait for one another.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# How long an example takes is no property of the code.
settings.register_profile("domainbert", deadline=None)
settings.load_profile("domainbert")

VARIABLES = (
    "DOMAINBERT_CACHE", "DOMAINBERT_DATA", "DOMAINBERT_PLUGINS", "HTTP_PROXY", "HTTPS_PROXY",
    "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy",
)  # fmt: skip


@pytest.fixture
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting from outside; the cache is a folder of the test."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOMAINBERT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))


@pytest.fixture
def cli(
    bare_environment: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Outcome]:
    """Call the command line in this process, errors handled as for a user."""
    from domainbert.cli.app import main

    def call(*words: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["domainbert", *map(str, words)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        return Outcome(int(ended.value.code or 0), captured.out, captured.err)

    return call


@pytest.fixture
def fresh_accelerator() -> Iterator[None]:
    """Accelerate keeps the precision of a process for good; forget it before and after."""
    from accelerate.state import AcceleratorState

    AcceleratorState._reset_state(reset_partial_state=True)
    yield
    AcceleratorState._reset_state(reset_partial_state=True)


@pytest.fixture
def python(bare_environment: None) -> Callable[..., Outcome]:
    """Run Python in a separate process, with more variables if need be."""

    def call(*words: object, **variables: str) -> Outcome:
        done = subprocess.run(
            [sys.executable, *map(str, words)],
            env={**os.environ, "NO_COLOR": "1", **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    return call


@pytest.fixture
def snapshot() -> Callable[[Path], dict[str, str | None]]:
    """Return what is below a folder: the hash of each file, None for a folder."""

    def take(folder: Path) -> dict[str, str | None]:
        return {
            path.relative_to(folder).as_posix(): (
                hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None
            )
            for path in sorted(folder.rglob("*"))
        }

    return take


@dataclass(frozen=True)
class PluginShelf:
    """A folder on the import path that holds installed distributions."""

    folder: Path
    modules: list[str] = field(default_factory=list)

    def add(
        self,
        distribution: str,
        source: str,
        requires: tuple[str, ...] = (),
        names: tuple[str, ...] = (),
        version: str = "1.2.3",
    ) -> str:
        """Install a distribution with one module; return its entry point's name."""
        module = distribution.replace("-", "_")
        (self.folder / f"{module}.py").write_text(textwrap.dedent(source), encoding="utf-8")
        info = self.folder / f"{module}-{version}.dist-info"
        info.mkdir()
        lines = ["Metadata-Version: 2.1", f"Name: {distribution}", f"Version: {version}"]
        lines += [f"Requires-Dist: {line}" for line in requires]
        (info / "METADATA").write_text("\n".join(lines) + "\n", encoding="utf-8")
        entries = [f"{name} = {module}" for name in names or (distribution,)]
        text = "\n".join(["[domainbert]", *entries]) + "\n"
        (info / "entry_points.txt").write_text(text, encoding="utf-8")
        self.modules.append(module)
        importlib.invalidate_caches()
        return (names or (distribution,))[0]


@pytest.fixture
def shelf(
    bare_environment: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[PluginShelf]:
    """An import path to install plugins on, seen by this process only."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    made = PluginShelf(folder)
    before = set(sys.modules)
    yield made
    for name in set(sys.modules) - before:
        if name in made.modules or name.startswith("domainbert_file_"):
            del sys.modules[name]


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny BERT with a masked-LM head; copy it before changing it."""
    from domainbert.testing import tiny_checkpoint

    return tiny_checkpoint(tmp_path_factory.mktemp("checkpoint") / "base")


@pytest.fixture(scope="session")
def write_result() -> Callable[..., Path]:
    """Write a result of a made-up model that is right in a given share of the test records."""
    import random

    from domainbert.plugin.domain import Prediction, Task
    from domainbert.report.results import result_path, save_result
    from domainbert.tasks.metrics.score import primary_metric, score

    def write(folder: Path, right: float = 0.7, records: int = 120, **changes: Any) -> Path:
        """Write to a folder of results; changes are of the entry, by section: `model={...}`."""
        task = {
            "name": "tone", "version": "1", "kind": "classification", "multi_label": False,
            "labels": ["good", "bad", "plain"], "levels": {}, "sample": False, "domain": "town",
            "data": {"train": "a" * 64, "validation": "b" * 64, "test": "c" * 64},
            **changes.get("task", {}),
        }  # fmt: skip
        name = changes.get("model", {}).get("name", "adapted")
        model = {
            "name": name,
            "run": "town-mini" if name == "adapted" else None,
            "sha256": hashlib.sha256(name.encode()).hexdigest(),
            "base": "package:mini/model",
            "parameters": 22_713_216,
            "tokens": 9_441_385 if name == "adapted" else 0,
            "minutes": 68.25 if name == "adapted" else 0.0,
            **changes.get("model", {}),
        }
        seed = changes.get("seed", 0)
        known = {**task, "labels": tuple(task["labels"]), "name": "any"}
        scoring = Task(title="", licence="", origin="", splits={}, **known)
        truth = random.Random("truth")
        said = random.Random(f"{name} {seed} {right}")
        predictions = []
        for number in range(records):
            gold = truth.choice(scoring.labels)
            guess = gold if said.random() < right else said.choice(scoring.labels)
            ranking = (guess, *(label for label in scoring.labels if label != guess))
            if scoring.kind == "tagging":
                gold, guess, ranking = f"B-{gold}", f"B-{guess}", ()
            words = (f"word {number}",) if scoring.kind == "tagging" else ()
            predictions.append(Prediction((gold,), (guess,), ranking, words))
        scores = score(scoring, predictions)
        entry = {
            "model": model,
            "task": task,
            "seed": seed,
            "settings": {"epochs": 4, "precision": "fp32"},
            "metric": primary_metric(scoring).name,
            "test": scores,
            "validation": scores,
            "counts": {},
            "recipe": {"name": "town-mini", "sha256": "d" * 64},
            "environment": {"python": "3.11"},
            "minutes": 2.5,
        }
        entry |= {key: value for key, value in changes.items() if key not in {"task", "model"}}
        path = result_path(folder, task["name"], name, seed)
        path = path.with_name("".join(c if c.isalnum() or c in "-._" else "_" for c in path.name))
        save_result(path, entry, predictions)
        return path

    return write

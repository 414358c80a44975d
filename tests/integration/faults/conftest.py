"""Runs that share one import, as separate processes that can be sent signals and killed."""

from __future__ import annotations

import importlib.util
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest
from helpers.forks import ForkServer, fork_server
from helpers.runs import numbers

from domainbert.run.folder import RunFolder

ROOT = Path(__file__).parents[3]
GRACE = 30.0  # seconds


@pytest.fixture(scope="session")
def bench() -> ModuleType:
    """The module `benchmarks/faults.py`."""
    spec = importlib.util.spec_from_file_location("faults", ROOT / "benchmarks" / "faults.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["faults"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def server(bench: ModuleType) -> Iterator[ForkServer]:
    with fork_server(bench.VARIABLES) as made:
        yield made


@dataclass(frozen=True)
class Town:
    """A folder with a recipe, in which runs are started.

    Args:
        folder: Holds the recipe and the run folders.
        server: Starts them.
    """

    folder: Path
    server: ForkServer

    def run(self, name: str) -> RunFolder:
        """The run folder of a name."""
        return RunFolder(self.folder / name)

    def told(self, name: str) -> str:
        """What the newest process of a run has printed so far."""
        path = self.folder / f"{name}.log"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def start(self, name: str, *words: str) -> int:
        """Start or continue a run; return its process number."""
        path = self.folder / f"{name}.log"
        path.unlink(missing_ok=True)
        order = ["adapt", "recipe.yaml", "--out", name, *words]
        return self.server.start(order, self.folder, path)

    def finish(self, name: str, *words: str) -> int:
        """Run or continue to the end; return the exit code."""
        return self.server.wait(self.start(name, *words))

    def signal_when(self, name: str, ready: Callable[[], bool], number: int) -> tuple[int, str]:
        """Start a run, send a signal as soon as something is so; return exit code and output.

        The run has to end within the time that batch systems usually give.
        """
        pid = self.start(name)
        wait_until(ready)
        os.kill(pid, number)
        sent = time.monotonic()
        code = self.server.wait(pid)
        assert time.monotonic() - sent < GRACE
        return code, self.told(name)


def wait_until(ready: Callable[[], bool], seconds: float = 60.0) -> None:
    """Look every millisecond until something is so."""
    end = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.001)


@pytest.fixture(scope="session")
def until() -> Callable[..., None]:
    return wait_until


@pytest.fixture(scope="session")
def town(bench: ModuleType, server: ForkServer, tmp_path_factory: pytest.TempPathFactory) -> Town:
    """A recipe of two phases, and its run `whole` that nothing interrupts."""
    folder = tmp_path_factory.mktemp("faults")
    bench.write_recipe(folder, 60)
    made = Town(folder, server)
    assert made.finish("whole") == 0, made.told("whole")
    return made


@pytest.fixture(scope="session")
def same() -> Callable[[RunFolder, RunFolder], bool]:
    """Tell whether two runs ended with the same numbers, bit for bit."""
    return lambda one, two: numbers(one) == numbers(two)

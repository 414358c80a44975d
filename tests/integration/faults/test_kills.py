"""Runs that are killed, by themselves or by a fault injector, end as if they had not been."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from helpers.forks import ForkServer

ROOT = Path(__file__).parents[3]


@pytest.mark.slow
def test_killed_runs_end_with_the_same_bytes(
    bench: ModuleType, server: ForkServer, tmp_path: Path
) -> None:
    tally = bench.measure(bench.Bench(tmp_path, server, 1), 4, 60, seed=1)
    assert (tally.kills, tally.identical, tally.lost, tally.repeated) == (4, 4, 0, 0)
    assert tally.in_save


@pytest.mark.slow
def test_a_run_that_is_killed_and_stopped_several_times_ends_with_the_same_bytes(
    town: Any, same: Callable[..., bool]
) -> None:
    codes = []
    for step, number in ((15, signal.SIGKILL), (30, signal.SIGTERM), (45, signal.SIGINT)):
        checkpoint = town.run("often").checkpoints / f"step-{step:08d}"
        codes.append(town.signal_when("often", checkpoint.exists, number)[0])
    assert codes == [-9, 75, 130]
    assert not town.run("often").adapted.exists()
    assert town.finish("often") == 0
    assert same(town.run("often"), town.run("whole"))


def told_by(*words: object) -> dict[str, Any]:
    """Run the benchmark and return its JSON line."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "faults.py"), *map(str, words)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr + done.stdout
    return dict(json.loads(done.stdout))


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("processes", "kills"), [(1, 20), (2, 2), (3, 2), (4, 2)])
def test_the_benchmark_of_kills_finds_no_difference(processes: int, kills: int) -> None:
    found = told_by("--kills", kills, "--processes", processes, "--steps", 60)
    told = tuple(found[key] for key in ("kills", "identical", "lost", "repeated"))
    assert told == (kills, kills, 0, 0)
    # A run that was killed before it had done anything would be identical in any case.
    assert max(found["continued_after_steps"]) > 0


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("processes", "modes", "most"), [(1, "before,torn,unsynced", 6), (2, "before", 2)]
)
def test_no_file_event_of_a_save_is_a_bad_moment_to_die(
    processes: int, modes: str, most: int
) -> None:
    found = told_by("--events", "--processes", processes, "--modes", modes, "--most", most)
    assert found["verdicts"] == {"PASS": most + 1}  # and the run that was not killed

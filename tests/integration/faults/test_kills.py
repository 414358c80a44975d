"""Runs that are killed, by themselves or by a fault injector, end as if they had not been."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from domainbert.testing.forks import ForkServer

ROOT = Path(__file__).parents[3]


def test_killed_runs_end_with_the_same_bytes(
    bench: ModuleType, server: ForkServer, tmp_path: Path
) -> None:
    tally = bench.measure(bench.Bench(tmp_path, server, 1), 4, 60, seed=1)
    assert (tally.kills, tally.identical, tally.lost, tally.repeated) == (4, 4, 0, 0)
    assert tally.in_save


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("processes", "kills"), [(1, 20), (2, 2), (3, 2), (4, 2)])
def test_the_benchmark_of_kills_finds_no_difference(processes: int, kills: int) -> None:
    words = ["--kills", str(kills), "--processes", str(processes), "--steps", "60"]
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "faults.py"), *words],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert [found[key] for key in ("kills", "identical", "lost", "repeated")] == [
        kills,
        kills,
        0,
        0,
    ]
    # A run that was killed before it had done anything would be identical in any case.
    assert max(found["continued_after_steps"]) > 0


# Where a run went on: at a checkpoint, or, if it had ended before it was killed, at its last step.
# (The file of the owner stays open for the whole run; torn, it kills the run when all is done.)
_WENT_ON_AT = r"(?s)\A(?:(?!full \d).)*?(?:continuing after step|tokens in) (\d+)"


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("ranks", "modes", "points"), [(1, "before,torn,unsynced", 6), (2, "before", 2)]
)
def test_no_file_event_of_a_save_is_a_bad_moment_to_die(
    bench: ModuleType, tmp_path: Path, ranks: int, modes: str, points: int
) -> None:
    bench.write_recipe(tmp_path, 6)
    change(tmp_path / "recipe.yaml", head_steps=2, checkpoint_steps=2, keep_checkpoints=9)
    command = [sys.executable, "-m", "domainbert", "adapt", str(tmp_path / "recipe.yaml")]
    done = subprocess.run(
        [
            sys.executable, "-m", "ckpt_chaos", "run",
            "--checkpoint-glob", "{out}/checkpoints/step-*", "--ckpt-ignore-size",
            "--step-regex", _WENT_ON_AT,
            "--result-file", "{out}/model/model.safetensors",
            "--fail-on", "HARD_FAIL,SILENT_DIVERGENCE,LOST_WORK",
            "--modes", modes, "--max-points", str(points),
            "--ranks", str(ranks),
            "--work", str(tmp_path / "work"), "--", *command, "--out", "{out}",
        ],
        env={**os.environ, **bench.VARIABLES},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    found = [json.loads(path.read_text()) for path in tmp_path.glob("work/pt_*/result.json")]
    assert len(found) == points + 1
    # With several, it is rank 0 that is killed: others write nothing.
    assert sum(result["crashed"] for result in found) == points


def change(path: Path, **train: Any) -> None:
    recipe = yaml.safe_load(path.read_text(encoding="utf-8"))
    recipe["train"] |= train
    path.write_text(yaml.safe_dump(recipe), encoding="utf-8")

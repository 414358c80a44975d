"""A run that was stopped, in whatever way, ends as if it had not been."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shlex
import shutil
import signal
import socket
import time
from collections.abc import Callable
from typing import Any

import pytest

from domainbert.run.folder import RunFolder
from domainbert.storage.files import read_json_with_hash, write_json_with_hash
from domainbert.training.checkpoint import newest_checkpoint, read_state

Adapt = Callable[..., Any]
MakeTown = Callable[[], Any]
STEPS = 240
EVERY = 20
pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def town(make_town: MakeTown) -> Any:
    """A base without a head, so that a run has two phases, with dropout, so that chance counts."""
    made = make_town()
    made.write(
        with_head=False,
        head_steps=12,
        steps=STEPS,
        save_steps=EVERY,
        logging_steps=4,
        dropout=0.1,
    )
    return made


@pytest.fixture(scope="module")
def whole(town: Any, adapt: Adapt) -> RunFolder:
    """The run that nothing interrupts."""
    adapt(town, "town.yaml", "--out", "whole")
    return RunFolder(town.folder / "whole")


def steps(run: RunFolder) -> list[dict[str, Any]]:
    """Metrics, without how long they took."""
    lines = run.metrics.read_text(encoding="utf-8").splitlines()
    entries = [json.loads(line) for line in lines]
    return [{k: v for k, v in entry.items() if k != "tokens_per_second"} for entry in entries]


def standing(run: RunFolder) -> int:
    """The step of the newest whole checkpoint."""
    path, damaged = newest_checkpoint(run.checkpoints)
    assert damaged == []
    assert path is not None
    return read_state(path, {}).step


def stopped(town: Any, run: RunFolder, after: int, number: int, *words: str) -> tuple[int, str]:
    """Send a signal when a checkpoint beyond a step stands; return exit code and stderr."""
    process = town.start("domainbert", "adapt", *words)
    try:
        while process.poll() is None:
            names = [path.name for path in run.checkpoints.glob("step-*")]
            if any(int(name.removeprefix("step-")) > after for name in names):
                process.send_signal(number)
                break
            time.sleep(0.005)
        _, told = process.communicate()
    finally:
        process.kill()
    return process.returncode, told


@pytest.mark.slow
def test_a_run_that_is_killed_and_stopped_ends_with_the_same_bytes(
    town: Any, whole: RunFolder, adapt: Adapt
) -> None:
    run = RunFolder(town.folder / "cut")
    code, _ = stopped(town, run, 0, signal.SIGKILL, "town.yaml", "--out", "cut")
    assert code == -signal.SIGKILL
    killed = standing(run)
    assert 12 <= killed < STEPS

    code, told = stopped(town, run, killed, signal.SIGTERM, "town.yaml", "--out", "cut")
    terminated = standing(run)
    assert code == 75
    assert killed < terminated < STEPS
    last = told.splitlines()[-1]
    assert last == (
        f"error: Stopped by SIGTERM; a checkpoint of step {terminated} was written. "
        "Continue with: domainbert adapt cut"
    )
    assert f"continuing after step {killed}, bit-exact" in told

    printed = shlex.split(re.sub(".*Continue with: domainbert adapt ", "", last))
    code, told = stopped(town, run, terminated, signal.SIGINT, *printed)
    interrupted = standing(run)
    assert code == 130
    assert terminated < interrupted < STEPS
    assert "Stopped by SIGINT; a checkpoint of step" in told
    assert not run.model.exists()

    adapt(town, *printed)
    assert (run.model / "model.safetensors").read_bytes() == (
        whole.model / "model.safetensors"
    ).read_bytes()
    assert steps(run) == steps(whole)
    assert [entry["step"] for entry in steps(run)] == [4, 8, 12, *range(16, STEPS + 13, 4)]
    for when in ("before", "after"):
        name = f"bits-{when}.json"
        assert (run.results / name).read_bytes() == (whole.results / name).read_bytes()


def resumed(town: Any, whole: RunFolder, name: str, damage: Callable[[RunFolder], None]) -> Any:
    """Copy the finished run, take back what came after training, and damage the rest."""
    run = RunFolder(town.folder / name)
    shutil.copytree(whole.path, run.path)
    shutil.rmtree(run.model)
    (run.results / "bits-after.json").unlink()
    run.card.unlink()
    damage(run)
    return run


@pytest.mark.parametrize("harm", ["bit", "truncated", "manifest", "gone"])
def test_a_damaged_checkpoint_is_said_and_the_run_repeats_its_steps(
    town: Any, whole: RunFolder, adapt: Adapt, harm: str
) -> None:
    def damage(run: RunFolder) -> None:
        path = sorted(run.checkpoints.iterdir())[-1] / "model.safetensors"
        content = bytearray(path.read_bytes())
        if harm == "bit":
            content[len(content) // 2] ^= 1
            path.write_bytes(content)
        elif harm == "truncated":
            path.write_bytes(content[:-1])
        elif harm == "manifest":
            path.with_name("MANIFEST.json").unlink()
        else:
            shutil.rmtree(path.parent)

    run = resumed(town, whole, f"harmed-{harm}", damage)
    told = adapt(town, run.path.name)
    assert ("checkpoint step-00000252: " in told.err) == (harm != "gone")
    assert f"continuing after step {STEPS}" in told.err
    assert steps(run) == steps(whole)
    assert (run.model / "model.safetensors").read_bytes() == (
        whole.model / "model.safetensors"
    ).read_bytes()


def test_metrics_cut_short_in_the_middle_of_a_line_are_repaired(
    town: Any, whole: RunFolder, adapt: Adapt
) -> None:
    def damage(run: RunFolder) -> None:
        shutil.rmtree(sorted(run.checkpoints.iterdir())[-1])
        content = run.metrics.read_bytes()
        run.metrics.write_bytes(content[:-20])

    run = resumed(town, whole, "cut-line", damage)
    adapt(town, run.path.name)
    assert steps(run) == steps(whole)


def test_a_checkpoint_of_another_recipe_is_refused(
    town: Any, whole: RunFolder, adapt: Adapt
) -> None:
    def damage(run: RunFolder) -> None:
        path = sorted(run.checkpoints.iterdir())[-1]
        state = json.loads((path / "state.json").read_text(encoding="utf-8"))
        state["identity"]["recipe"] = "0" * 64
        text = json.dumps(state)
        (path / "state.json").write_text(text, encoding="utf-8")
        manifest = read_json_with_hash(path / "MANIFEST.json")
        digest = hashlib.sha256(text.encode()).hexdigest()
        manifest["files"]["state.json"] = {"sha256": digest, "bytes": len(text.encode())}
        write_json_with_hash(path / "MANIFEST.json", manifest)

    run = resumed(town, whole, "foreign", damage)
    told = adapt(town, run.path.name, code=2)
    assert "this checkpoint belongs to another recipe" in told.err
    assert not run.model.exists()


def test_a_run_in_use_is_refused_and_its_owner_named(
    town: Any, whole: RunFolder, adapt: Adapt
) -> None:
    with (whole.path / ".owner").open("r+", encoding="utf-8") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        told = adapt(town, "whole", code=2)
    owner = f"process {os.getpid()} on {socket.gethostname()}"
    assert f"error: whole: in use by {owner}." in told.err

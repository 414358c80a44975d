"""What is damaged or changed on the disk is found, named, and never used."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers.forks import fork_server
from helpers.runs import copied

from domainbert.run.folder import read_lock

pytestmark = pytest.mark.slow

Same = Callable[..., bool]


def flip(path: Path, place: int) -> bytes:
    """Flip one bit; return what the file held."""
    content = path.read_bytes()
    damaged = bytearray(content)
    damaged[place // 8] ^= 1 << place % 8
    path.write_bytes(damaged)
    return content


@pytest.mark.parametrize("harm", ["flipped", "truncated", "renamed", "without-manifest"])
def test_a_damaged_checkpoint_is_named_put_aside_and_its_steps_are_done_again(
    town: Any, same: Same, harm: str
) -> None:
    run = copied(town.run("whole"), harm)
    before, newest = sorted(run.checkpoints.iterdir())
    if harm == "flipped":
        flip(newest / "model.safetensors", 4000)
    elif harm == "truncated":
        os.truncate(newest / "model.safetensors", 1000)
    elif harm == "renamed":
        shutil.rmtree(newest)
        shutil.copytree(before, newest)
    else:
        (newest / "MANIFEST.json").unlink()
    # The last line of metrics is cut short as well.
    os.truncate(run.metrics, run.metrics.stat().st_size - 20)
    assert town.finish(harm) == 0, town.told(harm)
    told = town.told(harm)
    assert "checkpoint step-00000066: " in told
    assert re.search(r"; now \.quarantine-step-00000066-\d+, using the one before\n", told)
    assert "continuing after step 65, bit-exact" in told
    assert len(list(run.checkpoints.glob(".quarantine-step-00000066-*/"))) == 1
    assert [f"checkpoint {line}" in told for line in read_lock(run)["damaged"]] == [True]
    assert same(run, town.run("whole"))


def test_where_no_checkpoint_is_whole_training_starts_from_the_beginning_and_says_so(
    town: Any, same: Same
) -> None:
    run = copied(town.run("whole"), "none")
    for path in run.checkpoints.iterdir():
        os.truncate(path / "model.safetensors", 1000)
    assert town.finish("none") == 0, town.told("none")
    told = town.told("none")
    assert "using the one before" not in told
    assert "continuing after step" not in told
    assert told.count("and no older one is whole: training starts from the beginning") == 2
    damaged = read_lock(run)["damaged"]
    assert [line.partition(":")[0] for line in damaged] == ["step-00000066", "step-00000065"]
    assert same(run, town.run("whole"))


def test_another_environment_is_said_and_kept_in_the_lock(
    town: Any, monkeypatch: pytest.MonkeyPatch, bench: Any
) -> None:
    run = copied(town.run("whole"), "threads", 65)
    with fork_server({**bench.VARIABLES, "OMP_NUM_THREADS": "2"}) as server:
        log = town.folder / "threads.log"
        order = ["adapt", "recipe.yaml", "--out", "threads"]
        assert server.wait(server.start(order, town.folder, log)) == 0
    exactness = "order-exact: threads 1 → 2"
    assert f"continuing after step 65, {exactness}" in log.read_text(encoding="utf-8")
    assert read_lock(run)["continued"] == [{"step": 65, "exactness": exactness}]

"""A step that goes wrong costs its batch and nothing else; a run that goes wrong ends."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers.runs import copied, metrics, weights
from safetensors.torch import load_file

from domainbert.run.folder import RunFolder
from domainbert.storage.files import (
    describe_file,
    read_json,
    read_json_with_hash,
    write_json,
    write_json_with_hash,
)
from domainbert.training import loop
from domainbert.training.checkpoint import TrainState, newest_checkpoint, read_state
from domainbert.training.losses import SummedLosses

Adapt = Callable[..., Any]
MakeTown = Callable[[], Any]
Poison = Callable[..., None]
pytestmark = pytest.mark.timeout(600)
WRONG = "the loss or its gradient is not finite (loss nan, gradient norm nan)"
PLAIN = loop.train_step


@pytest.fixture(scope="module")
def town(make_town: MakeTown) -> Any:
    made = make_town()
    made.write(
        with_head=False, head_steps=8, steps=12, dropout=0.1, save_steps=5, save_total_limit=9,
        sections={"tasks": []},
    )  # fmt: skip
    return made


@pytest.fixture
def poison(monkeypatch: pytest.MonkeyPatch) -> Poison:
    """Change the loss of a step, numbered from 1, by a factor, or raise an error in it."""
    number, forward = [0], SummedLosses.forward
    harm: dict[int, float | Exception] = {}

    def counted(job: Any, module: Any, optimizer: Any, place: int, *more: Any) -> Any:
        number[0] = place + 1
        return PLAIN(job, module, optimizer, place, *more)

    def poisoned(self: Any, *inputs: Any) -> Any:
        factor = harm.get(number[0], 1.0)
        if isinstance(factor, Exception):
            raise factor
        return forward(self, *inputs) * factor

    monkeypatch.setattr(loop, "train_step", counted)
    monkeypatch.setattr(SummedLosses, "forward", poisoned)
    return lambda value, *steps: harm.update(dict.fromkeys(steps, value))


def standing(run: RunFolder) -> TrainState:
    path, damaged = newest_checkpoint(run.checkpoints)
    assert path is not None
    assert damaged == []
    return read_state(path, {})


def forget_skips(run: RunFolder, skipped: dict[str, str]) -> None:
    """Rewrite what the newest checkpoint says of skips, as if a run had just come there."""
    path = sorted(run.checkpoints.iterdir())[-1]
    write_json(path / "state.json", {**read_json(path / "state.json"), "skipped": skipped})
    manifest = read_json_with_hash(path / "MANIFEST.json")
    files = {**manifest["files"], "state.json": describe_file(path / "state.json")}
    write_json_with_hash(path / "MANIFEST.json", {**manifest, "files": files})


def all_finite(folder: Path) -> bool:
    files = list(folder.rglob("*.safetensors"))
    assert files
    return all(bool(torch.isfinite(t).all()) for path in files for t in load_file(path).values())


@pytest.fixture(scope="module")
def left_out(town: Any, adapt: Adapt) -> RunFolder:
    """The run that never met the batch of step 13: its place is passed over from the start."""
    begin = loop._begin

    def knowing(job: Any, phase: Any, *more: Any) -> TrainState:
        state = begin(job, phase, *more)
        return replace(state, skipped={"13": WRONG}) if phase.name == "full" else state

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "_begin", knowing)
        adapt(town, "town.yaml", "--out", "left-out")
    return RunFolder(town.folder / "left-out")


@pytest.mark.slow
def test_a_bad_batch_is_skipped_and_nothing_else_changes(
    town: Any, adapt: Adapt, left_out: RunFolder, poison: Poison
) -> None:
    adapt(town, "town.yaml", "--out", "whole")
    whole = metrics(RunFolder(town.folder / "whole"))
    poison(float("nan"), 13)
    err = adapt(town, "town.yaml", "--out", "poisoned").err
    run = RunFolder(town.folder / "poisoned")
    assert f"step 13: {WRONG}. Back to step 10; the batch of step 13 is skipped" in err
    assert "(1 of at most 3)" in err
    assert weights(run) == weights(left_out)
    assert metrics(run) == metrics(left_out)
    assert [entry["step"] for entry in metrics(run)] == list(range(1, 21))
    assert metrics(run)[12] == {"step": 13, "phase": "full", "skipped": WRONG}
    lock = json.loads(run.lock.read_text(encoding="utf-8"))
    assert lock["training"]["skipped"] == {"13": WRONG}
    assert f"| skipped | batch of step 13: {WRONG} |" in run.card.read_text(encoding="utf-8")
    # It is not without effect, but on rates.
    assert metrics(run)[:12] == whole[:12]
    assert metrics(run)[13]["loss"] != whole[13]["loss"]
    rates = [[entry["learning_rate"] for entry in steps[13:]] for steps in (metrics(run), whole)]
    assert rates[0] == rates[1]


@pytest.mark.slow
@pytest.mark.parametrize("at", [15, 10])
def test_a_run_resumed_across_a_skipped_batch_ends_with_the_same_bytes(
    town: Any, adapt: Adapt, left_out: RunFolder, poison: Poison, at: int
) -> None:
    """Continued after the skip, and before it."""
    poison(float("nan"), 13)
    run = copied(left_out, f"again-{at}", at)
    # The run that is copied had the skip from the start; others meet it.
    forget_skips(run, {"13": WRONG} if at > 13 else {})
    err = adapt(town, run.path.name).err
    assert f"continuing after step {at}" in err
    assert ("Back to step 10" in err) == (at < 13)
    assert weights(run) == weights(left_out)
    assert metrics(run) == metrics(left_out)


@pytest.mark.slow
def test_a_run_that_goes_wrong_too_often_ends_and_keeps_its_last_checkpoint(
    town: Any, adapt: Adapt, poison: Poison
) -> None:
    poison(float("nan"), 12, 14, 17, 18)
    last = adapt(town, "town.yaml", "--out", "worse", code=1).err.splitlines()[-1]
    assert last.startswith(f"error: step 18: {WRONG}. Steps skipped before: 12, 14, 17. ")
    assert "the last checkpoint is whole. Lower `train.learning_rate`" in last
    run = RunFolder(town.folder / "worse")
    assert standing(run).step == 15
    assert list(standing(run).skipped) == ["12", "14"]
    assert all_finite(run.path)
    assert not run.model.exists()
    assert adapt(town, "worse", code=1).err.splitlines()[-1] == last


def test_weights_that_are_not_finite_never_reach_the_disk(
    town: Any, adapt: Adapt, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last step before a checkpoint breaks a weight, so no later loss can tell."""

    def breaking(job: Any, module: Any, optimizer: Any, place: int, *more: Any) -> Any:
        sums = PLAIN(job, module, optimizer, place, *more)
        if place == 14:
            with torch.no_grad():
                next(job.model.parameters())[3, 5] = float("inf")
        return sums

    monkeypatch.setattr(loop, "train_step", breaking)
    err = adapt(town, "town.yaml", "--out", "broken").err
    run = RunFolder(town.folder / "broken")
    assert "step 15: it made a weight that is not finite. Back to step 10; the batch" in err
    assert list(standing(run).skipped) == ["15"]
    assert all_finite(run.path)


RANKED = """
import os, sys
from domainbert.cli.app import main
from domainbert.training import loop
from domainbert.training.losses import SummedLosses

number, step, forward = [0], loop.train_step, SummedLosses.forward

def counted(job, module, optimizer, place, *more):
    number[0] = place + 1
    return step(job, module, optimizer, place, *more)

def poisoned(self, *inputs):
    bad = number[0] == 13 and os.environ["RANK"] == "1"
    return forward(self, *inputs) * (float("nan") if bad else 1.0)

loop.train_step, SummedLosses.forward = counted, poisoned
main()
"""


@pytest.mark.slow
def test_two_processes_decide_alike_when_one_sees_it(
    town: Any, adapt: Adapt, poison: Poison
) -> None:
    poison(float("nan"), 13)
    words = ("town.yaml", "--set", "train.dropout=0", "--out")
    adapt(town, *words, "one")
    (town.folder / "ranked.py").write_text(RANKED, encoding="utf-8")
    launch = ("torch.distributed.run", "--standalone", "--nproc-per-node", "2", "ranked.py")
    process = town.start(*launch, "adapt", *words, "two")
    _, err = process.communicate()
    assert process.returncode == 0, err
    one, two = (metrics(RunFolder(town.folder / name)) for name in ("one", "two"))
    assert two[12] == {"step": 13, "phase": "full", "skipped": WRONG}
    assert [entry["step"] for entry in two] == [entry["step"] for entry in one]
    losses = [[entry["loss"] for entry in run if "loss" in entry] for run in (two, one)]
    assert len(losses[0]) == 19
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)

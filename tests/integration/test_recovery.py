"""A step that goes wrong costs its batch and nothing else; a run that goes wrong ends."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from domainbert.run.folder import RunFolder
from domainbert.storage.files import (
    read_json,
    read_json_with_hash,
    sha256_file,
    write_json,
    write_json_with_hash,
)
from domainbert.training import loop
from domainbert.training.checkpoint import TrainState, newest_checkpoint, read_state
from domainbert.training.losses import SummedLosses
from domainbert.training.step import StepSums

Adapt = Callable[..., Any]
MakeTown = Callable[[], Any]
pytestmark = pytest.mark.timeout(600)
WRONG = "the loss or its gradient is not finite (loss nan, gradient norm nan)"


@pytest.fixture(scope="module")
def town(make_town: MakeTown) -> Any:
    made = make_town()
    made.write(
        with_head=False, head_steps=8, steps=12, dropout=0.1, save_steps=5, save_total_limit=9
    )
    return made


@pytest.fixture
def poison(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Make the loss of some steps, numbered from 1, something else in each forward pass."""
    factors: dict[int, float] = {}
    number, step, forward = [0], loop.train_step, SummedLosses.forward

    def counted(job: Any, module: Any, optimizer: Any, place: int, *more: Any) -> StepSums:
        number[0] = place + 1
        return step(job, module, optimizer, place, *more)

    def poisoned(self: Any, *inputs: Any) -> Any:
        return forward(self, *inputs) * factors.get(number[0], 1.0)

    monkeypatch.setattr(loop, "train_step", counted)
    monkeypatch.setattr(SummedLosses, "forward", poisoned)
    yield lambda **given: factors.update({int(k[1:]): v for k, v in given.items()})


def metrics(run: RunFolder) -> list[dict[str, Any]]:
    lines = run.metrics.read_text(encoding="utf-8").splitlines()
    entries = [json.loads(line) for line in lines]
    return [{k: v for k, v in entry.items() if k != "tokens_per_second"} for entry in entries]


def weights(run: RunFolder) -> bytes:
    return (run.model / "model.safetensors").read_bytes()


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
    size = (path / "state.json").stat().st_size
    told = {"sha256": sha256_file(path / "state.json"), "bytes": size}
    files = {**manifest["files"], "state.json": told}
    write_json_with_hash(path / "MANIFEST.json", {**manifest, "files": files})


def all_finite(folder: Path) -> bool:
    files = list(folder.rglob("*.safetensors"))
    assert files
    return all(bool(torch.isfinite(t).all()) for path in files for t in load_file(path).values())


@pytest.fixture(scope="module")
def left_out(town: Any, adapt: Adapt) -> RunFolder:
    """The run that never met the batch of step 13: its place is passed over from the start."""
    begin = loop._begin
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            loop,
            "_begin",
            lambda job, phase, state, optimizer: replace(
                begin(job, phase, state, optimizer), skipped={"13": WRONG}
            ),
        )
        adapt(town, "town.yaml", "--out", "left-out")
    return RunFolder(town.folder / "left-out")


def test_a_bad_batch_is_skipped_and_nothing_else_changes(
    town: Any, adapt: Adapt, left_out: RunFolder, poison: Callable[..., None]
) -> None:
    poison(s13=float("nan"))
    told = adapt(town, "town.yaml", "--out", "poisoned")
    run = RunFolder(town.folder / "poisoned")
    assert f"step 13: {WRONG}. Back to step 10; the batch of step 13 is skipped" in told.err
    assert "(1 of at most 3)" in told.err
    assert weights(run) == weights(left_out)
    assert metrics(run) == metrics(left_out)
    assert [entry["step"] for entry in metrics(run)] == list(range(1, 21))
    assert metrics(run)[12] == {"step": 13, "phase": "full", "skipped": WRONG}
    lock = json.loads(run.lock.read_text(encoding="utf-8"))
    assert lock["training"]["skipped"] == {"13": WRONG}
    assert f"| skipped | batch of step 13: {WRONG} |" in run.card.read_text(encoding="utf-8")


def test_skipping_a_batch_is_not_without_effect(
    town: Any, adapt: Adapt, left_out: RunFolder
) -> None:
    adapt(town, "town.yaml", "--out", "whole")
    whole = RunFolder(town.folder / "whole")
    assert weights(whole) != weights(left_out)
    assert metrics(whole)[:12] == metrics(left_out)[:12]
    lines = zip(metrics(whole)[13:], metrics(left_out)[13:], strict=True)
    assert [a["learning_rate"] == b["learning_rate"] for a, b in lines] == [True] * 7
    assert "skipped" not in whole.card.read_text(encoding="utf-8")


@pytest.mark.parametrize(("gone", "at"), [(1, 15), (2, 10), (4, 5)])
def test_a_run_resumed_across_a_skipped_batch_ends_with_the_same_bytes(
    town: Any, adapt: Adapt, left_out: RunFolder, poison: Callable[..., None], gone: int, at: int
) -> None:
    """Continued after the skip, before it, and in the phase before."""
    poison(s13=float("nan"))
    run = RunFolder(town.folder / f"again-{at}")
    shutil.copytree(left_out.path, run.path)
    shutil.rmtree(run.model)
    run.card.unlink()
    (run.results / "bits-after.json").unlink()
    for path in sorted(run.checkpoints.iterdir())[-gone:]:
        shutil.rmtree(path)
    # The run that is copied knew of the skip from the start; others meet it.
    forget_skips(run, {"13": WRONG} if at > 13 else {})
    told = adapt(town, run.path.name)
    assert f"continuing after step {at}" in told.err
    assert ("Back to step 10" in told.err) == (at < 13)
    assert weights(run) == weights(left_out)
    assert metrics(run) == metrics(left_out)


def test_a_bad_first_step_goes_back_to_the_base(
    town: Any, adapt: Adapt, poison: Callable[..., None]
) -> None:
    poison(s2=float("inf"))
    told = adapt(town, "town.yaml", "--out", "first")
    run = RunFolder(town.folder / "first")
    assert "Back to step 0; the batch of step 2 is skipped (1 of at most 3)" in told.err
    assert [e["step"] for e in metrics(run) if "skipped" in e] == [2]
    assert [e["step"] for e in metrics(run)] == list(range(1, 21))


def test_a_run_that_goes_wrong_too_often_ends_and_keeps_its_last_checkpoint(
    town: Any, adapt: Adapt, poison: Callable[..., None]
) -> None:
    poison(s12=float("nan"), s14=float("nan"), s17=float("nan"), s18=float("nan"))
    told = adapt(town, "town.yaml", "--out", "worse", code=1)
    last = told.err.splitlines()[-1]
    assert last.startswith(f"error: step 18: {WRONG}. Steps skipped before: 12, 14, 17. ")
    assert "the last checkpoint, of step 15, is whole. Lower `train.learning_rate`" in last
    run = RunFolder(town.folder / "worse")
    assert standing(run).step == 15
    assert list(standing(run).skipped) == ["12", "14"]
    assert all_finite(run.path)
    assert not run.model.exists()
    again = adapt(town, "worse", code=1)
    assert again.err.splitlines()[-1] == last


def test_weights_that_are_not_finite_never_reach_the_disk(
    town: Any, adapt: Adapt, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last step before a checkpoint breaks a weight, so no later loss can tell."""
    step = loop.train_step

    def breaking(job: Any, module: Any, optimizer: Any, place: int, *more: Any) -> StepSums:
        sums = step(job, module, optimizer, place, *more)
        if place == 14:
            with torch.no_grad():
                next(job.model.parameters())[3, 5] = float("inf")
        return sums

    monkeypatch.setattr(loop, "train_step", breaking)
    told = adapt(town, "town.yaml", "--out", "broken")
    run = RunFolder(town.folder / "broken")
    assert "step 15: it made a weight that is not finite. Back to step 10; the batch" in told.err
    assert list(standing(run).skipped) == ["15"]
    assert all_finite(run.path)


def test_a_rate_that_diverges_ends_the_run(
    make_town: MakeTown, adapt: Adapt, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = loop.train_step

    def hasty(
        job: Any, module: Any, optimizer: Any, place: int, rate: float, *more: Any
    ) -> StepSums:
        return step(job, module, optimizer, place, rate * (1000 if place > 84 else 1), *more)

    monkeypatch.setattr(loop, "train_step", hasty)
    town = make_town()
    town.write(steps=140, save_steps=20, logging_steps=20, learning_rate=4e-3, spike=1.0)
    told = adapt(town, "town.yaml", "--out", "run", code=1)
    run = RunFolder(town.folder / "run")
    assert re.search(r"error: step \d+: loss [\d.]+, while the lowest median", told.err)
    assert told.err.count("Back to step") == 3
    assert standing(run).step >= 80
    assert all_finite(run.path)
    assert not run.model.exists()


def test_a_spike_is_a_failure_and_none_with_null(
    make_town: MakeTown, adapt: Adapt, poison: Callable[..., None]
) -> None:
    poison(s70=9.0)
    town = make_town()
    town.write(steps=72, save_steps=50, logging_steps=12)
    told = adapt(town, "town.yaml", "--out", "run")
    assert re.search(
        r"step 70: loss [\d.]+, while the lowest median of 64 steps is [\d.]+\. Back to step 50; "
        "the batch of step 70 is skipped",
        told.err,
    )
    run = RunFolder(town.folder / "run")
    assert [entry["step"] for entry in metrics(run)] == [12, 24, 36, 48, 60, 70, 72]
    assert list(standing(run).skipped) == ["70"]
    told = adapt(town, "town.yaml", "--set", "train.spike=null", "--out", "never")
    assert "skipped" not in told.err


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate "
            "memory: you tried to allocate 17179869184 bytes. Error code 12"
        ),
        RuntimeError("[enforce fail] . DefaultCPUAllocator: not enough memory: you tried to"),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 16.00 GiB.\nGPU 0 has 15."),
        MemoryError(),
    ],
)
def test_memory_that_runs_out_ends_the_run_and_names_the_setting(
    town: Any, adapt: Adapt, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    step, forward, number = loop.train_step, SummedLosses.forward, [0]

    def counted(job: Any, module: Any, optimizer: Any, place: int, *more: Any) -> StepSums:
        number[0] = place + 1
        return step(job, module, optimizer, place, *more)

    def full(self: Any, *inputs: Any) -> Any:
        if number[0] == 13:
            raise error
        return forward(self, *inputs)

    monkeypatch.setattr(loop, "train_step", counted)
    monkeypatch.setattr(SummedLosses, "forward", full)
    run = RunFolder(town.folder / "memory")
    shutil.rmtree(run.path, ignore_errors=True)
    told = adapt(town, "town.yaml", "--out", "memory", code=1)
    said = (str(error) or "MemoryError").splitlines()[0].rstrip(".")
    assert told.err.splitlines()[-1] == (
        "error: train.micro_batch_size: 2, with train.max_seq_length: 32, needs more memory than "
        f"there is ({said}). The last checkpoint is whole: free memory and run the same command "
        "again, or name another --out and a lower `train.micro_batch_size`, which changes no loss, "
        "or `train.gradient_checkpointing: true`."
    )
    assert standing(run).step == 10


def test_another_error_of_a_step_is_not_taken_for_one_of_memory(
    town: Any, adapt: Adapt, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise RuntimeError("shapes do not fit")

    monkeypatch.setattr(SummedLosses, "forward", broken)
    with pytest.raises(RuntimeError, match="shapes do not fit"):
        adapt(town, "town.yaml", "--out", "shapes")


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


def test_two_processes_decide_alike_when_one_sees_it(
    town: Any, adapt: Adapt, poison: Callable[..., None]
) -> None:
    poison(s13=float("nan"))
    adapt(town, "town.yaml", "--out", "one", "--set", "train.dropout=0")
    (town.folder / "ranked.py").write_text(RANKED, encoding="utf-8")
    launch = ("torch.distributed.run", "--standalone", "--nproc-per-node", "2", "ranked.py")
    words = ("adapt", "town.yaml", "--out", "two", "--set", "train.dropout=0")
    process = town.start(*launch, *words)
    _, told = process.communicate()
    assert process.returncode == 0, told
    one, two = (metrics(RunFolder(town.folder / name)) for name in ("one", "two"))
    assert two[12] == {"step": 13, "phase": "full", "skipped": WRONG}
    assert [entry["step"] for entry in two] == [entry["step"] for entry in one]
    pairs = [pair for pair in zip(two, one, strict=True) if "loss" in pair[0]]
    assert len(pairs) == 19
    for mine, theirs in pairs:
        assert mine["loss"] == pytest.approx(theirs["loss"], rel=1e-5)

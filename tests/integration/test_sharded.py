"""FSDP trains what one process trains, and leaves the same files.

Accelerate shards on GPUs only; told to, it does on CPUs too, with the same code but for the device.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from helpers.runs import copied, metrics, weights
from safetensors.torch import load_file

from domainbert.run.folder import RunFolder
from domainbert.training.checkpoint import newest_checkpoint

Adapt = Callable[..., Any]
MakeTown = Callable[[], Any]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

SHARDED = """
import os

import accelerate
from accelerate.utils import DistributedType, FullyShardedDataParallelPlugin

from domainbert.cli.app import main
from domainbert.training import wrap
from domainbert.run import device

plain = device.build_accelerator

def build(*given):
    accelerator = plain(*given)
    # Both: the second is copied over the first whenever somebody asks for either.
    accelerator.state.distributed_type = DistributedType.FSDP
    accelerate.PartialState().distributed_type = DistributedType.FSDP
    accelerator.state.fsdp_plugin = FullyShardedDataParallelPlugin()
    return accelerator

def shard(accelerator, module):
    sharded = whole(accelerator, module)
    # In one piece, as the other process and its lines have the same pipe.
    os.write(1, f"SHARDS {sum(p.to_local().numel() for p in sharded.parameters())};".encode())
    return sharded

whole = wrap._shard
device.build_accelerator, wrap._shard = build, shard
main()
"""
CONFIG = {
    "ACCELERATE_USE_FSDP": "true",
    "FSDP_VERSION": "2",
    "FSDP_AUTO_WRAP_POLICY": "TRANSFORMER_BASED_WRAP",
    "FSDP_RESHARD_AFTER_FORWARD": "true",
    "FSDP_CPU_RAM_EFFICIENT_LOADING": "true",
}


@pytest.fixture(scope="module")
def town(make_town: MakeTown, adapt: Adapt) -> Any:
    """A run of one process, and the same in shards; of a base without a head, so in two phases."""
    made = make_town()
    made.write(
        with_head=False, head_steps=3, steps=9, batch_size=6, save_steps=4, save_total_limit=9
    )
    adapt(made, "town.yaml", "--out", "one")
    (made.folder / "sharded.py").write_text(SHARDED, encoding="utf-8")
    shards(made, "town.yaml", "--out", "two")
    return made


def shards(town: Any, *words: str, script: str = "sharded.py", code: int = 0) -> str:
    launch = ("torch.distributed.run", "--standalone", "--nproc-per-node", "2", script)
    told = replace(town, variables={**town.variables, **CONFIG})
    process = told.start(*launch, "adapt", *words)
    out, err = process.communicate(timeout=300)
    assert process.returncode == code, err
    return str(out + err)


def cut(town: Any, name: str) -> RunFolder:
    """Copy the sharded run as if it had been killed after step 8."""
    run = copied(RunFolder(town.folder / "two"), name, 8)
    shutil.rmtree(run.results / "town-names")  # of the other weights
    return run


def test_losses_and_files_are_those_of_one_process(town: Any) -> None:
    one_run, two_run = (town.folder / name for name in ("one", "two"))
    one, two = metrics(RunFolder(one_run)), metrics(RunFolder(two_run))
    assert [entry["step"] for entry in two] == list(range(1, 13))
    for mine, theirs in zip(two, one, strict=True):
        assert mine["loss"] == pytest.approx(theirs["loss"], rel=1e-5)
        assert mine["gradient_norm"] == pytest.approx(theirs["gradient_norm"], rel=1e-4)
    names = [{p.relative_to(f) for p in f.rglob("*.safetensors")} for f in (one_run, two_run)]
    kept = [{name for name in found if name.parts[0] == "tasks"} for found in names]
    assert [len(found) for found in kept] == [1, 1]
    names = [found - models for found, models in zip(names, kept, strict=True)]
    assert names[0] == names[1]
    # Checkpoints of steps 0, 3 and 3, 4, 8, 12; a model of each stage.
    assert len(names[0]) == 2 * 6 + 3
    for name in names[0]:
        one, two = load_file(one_run / name), load_file(two_run / name)
        assert {k: v.shape for k, v in one.items()} == {k: v.shape for k, v in two.items()}


def test_a_resumed_run_ends_with_the_same_bytes(town: Any) -> None:
    run, whole = cut(town, "cut"), RunFolder(town.folder / "two")
    told = shards(town, "cut")
    assert "continuing after step 8" in told
    # Half of the model's numbers in each process, but for rows that cannot be halved.
    halves = [int(number) for number in re.findall(r"SHARDS (\d+);", told)]
    total = sum(tensor.numel() for tensor in load_file(run.model / "model.safetensors").values())
    assert len(halves) == 2
    assert max(halves) < 0.51 * total
    assert weights(run) == weights(whole)
    assert metrics(run) == metrics(whole)


def test_a_checkpoint_of_shards_is_continued_by_one_process(town: Any, adapt: Adapt) -> None:
    run, one = cut(town, "alone"), RunFolder(town.folder / "one")
    told = adapt(town, "alone")
    assert "continuing after step 8" in told.err
    for mine, theirs in zip(metrics(run), metrics(one), strict=True):
        assert mine["loss"] == pytest.approx(theirs["loss"], rel=1e-5)


# The main process fails before it takes the shards of the others for the checkpoint of step 8.
FAILING = """
from domainbert.training import loop

inner = loop.sync_metrics

def failing(run):
    if run.training == "pretrain" and any(run.checkpoints.glob("step-00000004")):
        raise OSError(5, "Input/output error", str(run.metrics))
    inner(run)

loop.sync_metrics = failing
"""


def test_a_failure_before_shards_are_taken_ends_all_processes(town: Any) -> None:
    (town.folder / "failing.py").write_text(FAILING + SHARDED, encoding="utf-8")
    shown = shards(town, "town.yaml", "--out", "failing", script="failing.py", code=1)
    assert "Input/output error" in shown
    assert "DistBackendError" not in shown
    newest, damaged = newest_checkpoint(RunFolder(town.folder / "failing").checkpoints)
    assert (newest and newest.name, damaged) == ("step-00000004", [])

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

import domainbert.planning.throughput
from domainbert.errors import RunFailed
from domainbert.planning.throughput import (
    corpus_size,
    measure_throughput,
    plan_steps,
    planned_steps,
    restored,
)
from domainbert.storage.files import read_json
from domainbert.training.checkpoint import TrainState
from domainbert.training.loop import run_phase
from domainbert.training.phases import Phase
from domainbert.training.step import BadStep, Job

MakeJob = Callable[..., Job]
START = TrainState(0, 0, 0.0, {})


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """A clock by which a step takes as many seconds as the entry says."""
    told = {"now": 0.0, "step": 4.0}  # read twice a step: between the two lie 2 seconds

    def read() -> float:
        told["now"] += told["step"] / 2
        return told["now"]

    fake = SimpleNamespace(perf_counter=read)
    monkeypatch.setattr(domainbert.planning.throughput, "time", fake)
    return told


def bits(job: Job) -> list[Any]:
    return [p.detach().view(torch.int32).tolist() for p in job.model.parameters()]


def test_tokens_of_the_slice_are_those_that_an_epoch_reads(make_job: MakeJob) -> None:
    job = make_job(epochs=1, batch_size=1, micro_batch_size=1)
    n_sequences, n_tokens = corpus_size(job)
    state = run_phase(job, Phase("full", 0, n_sequences, 1e-4), START)
    assert state.tokens == n_tokens


def test_timed_steps_leave_no_trace(make_job: MakeJob) -> None:
    job = make_job(minutes=1, weight_decay=0.5)
    with torch.no_grad():
        job.model.cls.predictions.bias[3:6] = -0.0
    before = bits(job)
    with restored(job.model):
        measure_throughput(job, "full")
    assert bits(job) == before
    assert all(p.grad is None for p in job.model.parameters())


def test_minutes_become_steps_that_the_stage_keeps(
    make_job: MakeJob, clock: dict[str, float], tmp_path: Path
) -> None:
    job = make_job(minutes=1)
    steps = plan_steps(job, 6, tmp_path)
    # About 2 seconds a step, of batches that differ in their tokens.
    assert steps in range(24, 37)
    plan = read_json(tmp_path / "plan.json")
    assert planned_steps(tmp_path) == plan["steps"] == steps
    assert plan["timed_steps"] == 5
    n_sequences, n_tokens = corpus_size(job)
    expected = 60 / plan["seconds_per_token"] / (n_tokens / n_sequences) / 4
    assert steps - 1 < expected <= steps
    # A continued run keeps its steps on a machine of any speed.
    clock["step"] = 100.0
    assert plan_steps(make_job(minutes=1), 6, tmp_path) == steps


def test_batches_of_a_ramp_are_timed_at_full_size(
    make_job: MakeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    timed: list[int] = []
    plain = domainbert.planning.throughput.train_step

    def watched(job: Job, wrapped: Any, optimizer: Any, step: int, rate: float) -> Any:
        timed.append(step)
        return plain(job, wrapped, optimizer, step, rate)

    monkeypatch.setattr(domainbert.planning.throughput, "train_step", watched)
    measure_throughput(make_job(minutes=1, batch_ramp={"start": 1, "steps": 7}), "full")
    assert timed == list(range(7, 7 + 14))


def test_a_step_that_goes_wrong_is_not_timed(
    make_job: MakeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = domainbert.planning.throughput.train_step

    def fails(bad: range) -> None:
        def step_or_fail(job: Job, wrapped: Any, optimizer: Any, step: int, rate: float) -> Any:
            if step in bad:
                raise BadStep(step + 1, "not finite")
            return plain(job, wrapped, optimizer, step, rate)

        monkeypatch.setattr(domainbert.planning.throughput, "train_step", step_or_fail)

    fails(range(2, 5))
    assert measure_throughput(make_job(minutes=1), "full")[1] == 9
    fails(range(14))
    with pytest.raises(RunFailed, match=r"^no loss of 14 timed steps is finite"):
        measure_throughput(make_job(minutes=1), "full")

"""What the loop hands to each step, what a step leaves behind, and in which precision."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate.state import AcceleratorState
from safetensors.torch import load_file

from domainbert.corpus.store import open_store
from domainbert.errors import DataError
from domainbert.run.device import build_accelerator
from domainbert.training import loop
from domainbert.training.checkpoint import TrainState, newest_checkpoint
from domainbert.training.phases import Phase
from domainbert.training.step import Job, mean_of

MakeJob = Callable[..., Job]
START = TrainState(0, 0, 0.0, {})


def noted(job: Job, *phases: Phase) -> list[tuple[Job]]:
    """Run phases; return the job and the sums of every step."""
    steps: list[tuple[Job]] = []
    inner, state = loop.train_step, START

    def noting(given: Job, *rest: Any) -> Any:
        sums = inner(given, *rest)
        steps.append((given, sums))
        return sums

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "train_step", noting)
        for phase in phases:
            state = loop.run_phase(job, phase, state)
    return steps


def test_the_mask_rate_moves_over_the_full_phase_and_rests_before(make_job: MakeJob) -> None:
    job = make_job(steps=4, batch_size=16, mlm_probability={"from": 0.3, "to": 0.15})
    steps = noted(job, Phase("head", 0, 2, 1e-3), Phase("full", 2, 4, 1e-4))
    rates = [given.masking.rate for given, _ in steps]
    assert rates == pytest.approx([0.3, 0.3, 0.3, 0.25, 0.2, 0.15], rel=1e-12)


def test_no_checkpoint_is_written_of_tokens_that_were_rewritten_in_use(
    make_job: MakeJob, tmp_path: Path
) -> None:
    folder, file = tmp_path / "corpus", "store.arrow"
    job = make_job(steps=4, batch_size=16, save_steps=1, save_total_limit=4)
    shutil.copytree(next(iter(job.store.stamps)).parent, folder)
    job = replace(job, store=open_store(folder))
    inner = loop.train_step

    def rewriting(*given: Any) -> Any:
        if given[3] == 2:
            with (folder / file).open("r+b") as stream:
                stream.write(b"another")
        return inner(*given)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(DataError) as caught:
        patch.setattr(loop, "train_step", rewriting)
        loop.run_phase(job, Phase("full", 0, 4, 1e-4), START)
    assert str(caught.value) == (
        f"{folder / file}: was changed while it was in use. Run again when nothing writes to it."
    )
    steps = sorted(path.name for path in job.session.run.checkpoints.iterdir())
    assert steps == ["step-00000000", "step-00000001", "step-00000002"]


@pytest.fixture
def in_bf16() -> Iterator[Callable[[Job], Job]]:
    """Give a job to the same processes in bf16; Accelerate keeps one precision at a time."""

    def change(job: Job) -> Job:
        AcceleratorState._reset_state(reset_partial_state=True)
        session = replace(job.session, accelerator=build_accelerator("bf16"))
        assert session.bf16
        return replace(job, session=session)

    yield change
    AcceleratorState._reset_state(reset_partial_state=True)


def test_bf16_has_nearly_the_losses_of_fp32_and_keeps_weights_and_averages_in_fp32(
    make_job: MakeJob, in_bf16: Callable[[Job], Job]
) -> None:
    phase = Phase("full", 0, 5, 1e-3)
    exact, job = make_job(steps=5), make_job(steps=5)
    expected = [mean_of(sums[0], "masked-lm") for _, sums in noted(exact, phase)]
    for path in exact.session.run.checkpoints.iterdir():
        shutil.rmtree(path)
    found = [mean_of(sums[0], "masked-lm") for _, sums in noted(in_bf16(job), phase)]
    assert found == pytest.approx(expected, rel=3e-2)
    assert found != pytest.approx(expected, rel=1e-5)
    assert {p.dtype for p in job.model.parameters()} == {torch.float32}
    newest, _ = newest_checkpoint(job.session.run.checkpoints)
    assert newest is not None
    for name in ("model", "optimizer"):
        saved = load_file(newest / f"{name}.safetensors")
        assert {tensor.dtype for tensor in saved.values()} == {torch.float32}, name

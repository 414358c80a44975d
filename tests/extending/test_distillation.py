"""An objective of a plugin: soft targets of the base, beside masked LM."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from domainbert.errors import RecipeError, RunFailed
from domainbert.run.metrics import read_metrics
from domainbert.training import losses
from domainbert.training.checkpoint import TrainState, load_model, read_state
from domainbert.training.loop import run_phase
from domainbert.training.phases import Phase
from domainbert.training.step import Job

MakeJob = Callable[..., Job]
START = TrainState(0, 0, 0.0, {})
PHASE = Phase("full", 0, 8, 1e-3)
BOTH = {"objectives": {"masked-lm": 0.5, "distillation": 2.0}, "steps": 8, "logging_steps": 1}


def test_a_model_that_only_distils_stays_nearer_to_its_base(make_job: MakeJob) -> None:
    """From another start than the base, the divergence falls; the base does not move."""
    job = make_job(**BOTH | {"objectives": {"masked-lm": 0, "distillation": 1}})
    teacher = {name: p.clone() for name, p in job.prepared["distillation"].named_parameters()}
    with torch.no_grad():
        for parameter in job.model.parameters():
            parameter.add_(0.02 * torch.randn(parameter.shape, generator=torch.manual_seed(1)))
    state = run_phase(job, PHASE, START)
    lines = read_metrics(job.session.run)
    assert lines[-1]["distillation_loss"] < 0.8 * lines[0]["distillation_loss"]
    assert state.losses == {key: lines[-1][key] for key in ("loss", "distillation_loss")}
    now = dict(job.prepared["distillation"].named_parameters())
    assert all(torch.equal(now[name], value) for name, value in teacher.items())


def test_sums_do_not_depend_on_the_micro_batch(
    make_job: MakeJob, train_once: Callable[..., Any]
) -> None:
    found = []
    for micro in (4, 1):
        job = make_job(**BOTH, micro_batch_size=micro)
        with torch.no_grad():
            job.model.base_model.embeddings.word_embeddings.weight.mul_(1.01)
        found.append(train_once(job)[0])
    for name in ("masked-lm", "distillation"):
        assert found[0][name] == pytest.approx(found[1][name], rel=1e-6)
    assert found[0]["distillation"][0] > 0


def test_a_continued_run_has_the_same_bits(make_job: MakeJob) -> None:
    settings = {**BOTH, "save_steps": 1, "save_total_limit": 9}
    whole, continued = make_job(**settings), make_job(**settings)
    run_phase(whole, PHASE, START)
    checkpoint = whole.session.run.checkpoints / "step-00000003"
    load_model(checkpoint, continued.model)
    run_phase(continued, PHASE, read_state(checkpoint, {}), checkpoint)
    parameters = zip(whole.model.parameters(), continued.model.parameters(), strict=True)
    assert all(torch.equal(one, other) for one, other in parameters)
    assert not hasattr(whole.model, "objective_heads")


def test_an_objective_that_fails_or_returns_nonsense_is_named(
    make_job: MakeJob, train_once: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make_job(**BOTH)
    broken = job.objectives[1]
    said = r"Objective 'distillation' of plugin .* failed: "
    for result in ("text", torch.zeros(3)):
        object.__setattr__(broken, "loss", lambda forward, result=result: result)
        with pytest.raises(RunFailed, match=said + "TypeError: `loss`"):
            train_once(job)
    object.__setattr__(broken, "prepare", lambda job: 1 / 0)
    with pytest.raises(RunFailed, match=said + "ZeroDivisionError"):
        losses.prepare_objectives(job)


def test_an_unknown_objective_is_refused_with_the_nearest_name(make_job: MakeJob) -> None:
    with pytest.raises(RecipeError, match=r"train\.objectives: .*Did you mean 'distillation'\?"):
        make_job(steps=1, objectives=["masked-lm", "distilation"])

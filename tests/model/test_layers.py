"""What learns: rates by layer, frozen parameters, gradual unfreezing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import domainbert.training.loop
from domainbert.errors import RecipeError
from domainbert.model.layers import check_layers, depths
from domainbert.training.checkpoint import TrainState, load_model, read_state
from domainbert.training.loop import run_phase
from domainbert.training.phases import Phase
from domainbert.training.step import Job

MakeJob = Callable[..., Job]
START = TrainState(0, 0, 0.0, {})


def weights(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in model.named_parameters()}


def changed(before: dict[str, Tensor], model: nn.Module) -> set[str]:
    return {n for n, value in model.named_parameters() if not torch.equal(value, before[n])}


@pytest.mark.parametrize(
    "setting", [{"freeze_layers": 1}, {"layerwise_lr_decay": 0.9}, {"unfreeze": "gradual"}]
)
def test_shared_layers_cannot_be_told_apart(make_job: MakeJob, setting: dict[str, Any]) -> None:
    job = make_job("albert", steps=2, **setting)
    with pytest.raises(RecipeError) as caught:
        check_layers(job.settings, depths(job.model), "albert")
    assert str(caught.value) == (
        f"train.{next(iter(setting))}: models of type 'albert' have no numbered layers with "
        "weights for each. Remove the key; `freeze_embeddings` works."
    )


def test_more_layers_than_there_are_cannot_be_frozen(make_job: MakeJob) -> None:
    job = make_job(steps=2, freeze_layers=3)
    with pytest.raises(RecipeError, match=r"^train.freeze_layers: 3, but the base has 2 layers\.$"):
        check_layers(job.settings, depths(job.model), "bert")


def test_layers_wake_one_after_the_other(
    make_job: MakeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make_job(steps=8, unfreeze="gradual", weight_decay=0.5, freeze_embeddings=True)
    depth, plain = depths(job.model), domainbert.training.loop.train_step
    moved: list[set[int]] = []

    def watched(*args: Any) -> Any:
        before = weights(job.model)
        sums = plain(*args)
        moved.append({depth[name] for name in changed(before, job.model)})
        return sums

    monkeypatch.setattr(domainbert.training.loop, "train_step", watched)
    run_phase(job, Phase("full", 0, 8, 1e-2), START)
    # 8 steps in 3 parts: the head, the upper layer, the lower layer.
    assert moved == [{3}] * 3 + [{3, 2}] * 3 + [{3, 2, 1}] * 2


def test_a_run_that_unfreezes_continues_bit_for_bit(make_job: MakeJob) -> None:
    settings = {
        "steps": 8, "unfreeze": "gradual", "save_steps": 1, "save_total_limit": 9,
    }  # fmt: skip
    phase = Phase("full", 0, 8, 1e-2)
    whole = make_job(**settings)
    run_phase(whole, phase, START)
    expected = weights(whole.model)
    # In step 3 two depths have averages and two have none yet; in step 6 the embeddings wake.
    for step in (3, 6):
        checkpoint = whole.session.run.checkpoints / f"step-{step:08d}"
        again = make_job(**settings)
        load_model(checkpoint, again.model)
        run_phase(again, phase, read_state(checkpoint, {}), checkpoint)
        assert changed(expected, again.model) == set()

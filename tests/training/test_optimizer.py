from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from domainbert.model.load import LoadedModel
from domainbert.training.schedule import build_optimizer

CPU = torch.device("cpu")


def test_matrices_decay_and_vectors_do_not(load: Callable[[str], LoadedModel]) -> None:
    model = load("bert").model
    optimizer = build_optimizer(model, (0.8, 0.95), 0.03, CPU)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    decay = {
        names[id(parameter)]: group["weight_decay"]
        for group in optimizer.param_groups
        for parameter in group["params"]
    }
    expected = {n: 0.03 if p.ndim >= 2 else 0.0 for n, p in model.named_parameters()}
    assert decay == expected
    assert decay["bert.embeddings.word_embeddings.weight"] == 0.03
    assert decay["bert.encoder.layer.0.attention.output.LayerNorm.weight"] == 0.0
    assert decay["bert.encoder.layer.0.attention.self.query.bias"] == 0.0
    assert [group["betas"] for group in optimizer.param_groups] == [(0.8, 0.95)] * 2


def test_the_steps_of_all_parameters_are_fused() -> None:
    assert build_optimizer(nn.Linear(3, 2), (0.9, 0.98), 0.01, CPU).defaults["fused"] is True
    other = build_optimizer(nn.Linear(3, 2), (0.9, 0.98), 0.01, torch.device("meta"))
    assert other.defaults["fused"] is False


def test_frozen_parameters_and_empty_groups_are_left_out() -> None:
    layer = nn.Linear(3, 2)
    layer.weight.requires_grad_(False)
    optimizer = build_optimizer(layer, (0.9, 0.98), 0.01, CPU)
    assert [[p.shape for p in group["params"]] for group in optimizer.param_groups] == [[(2,)]]


def test_a_step_by_hand() -> None:
    layer = nn.Linear(1, 1)
    with torch.no_grad():
        layer.weight.fill_(2.0)
        layer.bias.fill_(2.0)
    optimizer = build_optimizer(layer, (0.9, 0.98), 0.1, CPU)
    for group in optimizer.param_groups:
        group["lr"] = 0.01
    layer.weight.grad, layer.bias.grad = torch.full((1, 1), 5.0), torch.full((1,), -5.0)
    optimizer.step()
    # The first step of Adam has the size of the rate; decay is decoupled from it.
    assert layer.weight.item() == pytest.approx(2.0 * (1 - 0.01 * 0.1) - 0.01, rel=1e-6)
    assert layer.bias.item() == pytest.approx(2.0 + 0.01, rel=1e-6)


def test_a_new_optimizer_moves_nothing_before_a_rate_is_set() -> None:
    layer = nn.Linear(2, 2)
    before = [p.detach().clone() for p in layer.parameters()]
    optimizer = build_optimizer(layer, (0.9, 0.98), 0.1, CPU)
    layer(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    assert all(map(torch.equal, before, layer.parameters()))

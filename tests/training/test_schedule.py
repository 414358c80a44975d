from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from domainbert.model.load import LoadedModel
from domainbert.training.schedule import Schedule, build_optimizer, learning_rate_at

SCHEDULES: list[Schedule] = ["linear", "constant", "cosine", "wsd"]


@pytest.mark.parametrize(
    ("schedule", "rates"),
    [
        ("linear", [0.5, 1, 1, 7 / 8, 6 / 8, 5 / 8, 4 / 8, 3 / 8, 2 / 8, 1 / 8]),
        ("constant", [0.5, 1, 1, 1, 1, 1, 1, 1, 1, 1]),
        # (1 + cos(k·π/8)) / 2 for k = 0 … 7
        (
            "cosine",
            [0.5, 1, 1, 0.961940, 0.853553, 0.691342, 0.5, 0.308658, 0.146447, 0.038060],
        ),
        # 1 minus √(k/4) for k = 0 … 3
        ("wsd", [0.5, 1, 1, 1, 1, 1, 1, 0.5, 0.292893, 0.133975]),
    ],
)
def test_schedule_by_hand(schedule: Schedule, rates: list[float]) -> None:
    found = [learning_rate_at(step, 10, 2e-4, 0.2, schedule, 0.4) for step in range(10)]
    assert found == pytest.approx([2e-4 * rate for rate in rates], rel=1e-4)


@given(
    total=st.integers(1, 500),
    warmup=st.floats(0, 0.99),
    decay=st.floats(0.001, 0.999),
    schedule=st.sampled_from(SCHEDULES),
)
def test_rates_rise_then_never_rise_again_and_stay_within_the_peak(
    total: int, warmup: float, decay: float, schedule: Schedule
) -> None:
    rates = [learning_rate_at(step, total, 1.0, warmup, schedule, decay) for step in range(total)]
    warm = round(warmup * total)
    assert rates[:warm] == sorted(rates[:warm])
    assert rates[warm:] == sorted(rates[warm:], reverse=True)
    assert min(rates) > 0
    assert max(rates) == 1.0


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

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from domainbert.model.load import LoadedModel
from domainbert.training.schedule import Schedule, build_optimizer, learning_rate_at


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
    assert [group["betas"] for group in optimizer.param_groups] == [(0.8, 0.95)] * 2

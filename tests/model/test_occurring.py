"""A table of which only the rows that occur learn."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from domainbert.model.occurring import OccurringRows
from domainbert.training.schedule import build_optimizer, set_rate

IDS = [[3, 5, 5, 0], [9, 3, 7, 0]]


@pytest.fixture
def model() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Embedding(40, 8, padding_idx=0), nn.Linear(8, 3))


def train(model: nn.Sequential, steps: int = 12) -> None:
    optimizer = build_optimizer(model, (0.9, 0.999), 0.5, torch.device("cpu"))
    for step in range(steps):
        set_rate(optimizer, 0.02 * (step + 1))
        optimizer.zero_grad(set_to_none=True)
        (model(torch.tensor(IDS)) ** 2).sum().backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()


def test_the_table_is_the_one_that_would_have_learned_whole(model: nn.Sequential) -> None:
    train(model)
    whole = {name: value.clone() for name, value in model.state_dict().items()}
    torch.manual_seed(0)
    own = nn.Sequential(nn.Embedding(40, 8, padding_idx=0), nn.Linear(8, 3))
    before = own[0].weight.detach().clone()
    rows = OccurringRows(own[0], {3, 5, 7, 9})  # padding belongs to it
    own[0] = rows
    assert rows.weight.shape == (6, 8)  # five ids, and the row of ones
    train(own)
    own[0] = rows.to_table()
    assert isinstance(own[0], nn.Embedding)
    for name, value in own.state_dict().items():
        torch.testing.assert_close(value, whole[name], rtol=1e-6, atol=1e-6)
    others = [i for i in range(40) if i not in {0, 3, 5, 7, 9}]
    factor = (own[0].weight[others] / before[others]).mean()
    assert factor < 0.6
    torch.testing.assert_close(own[0].weight[others], factor * before[others])


def test_a_table_that_learned_nothing_is_as_it_was(model: nn.Sequential) -> None:
    before = model[0].weight.detach().clone()
    assert torch.equal(OccurringRows(model[0], [4, 2]).to_table().weight, before)


def test_an_id_that_does_not_occur_is_not_read_as_another(model: nn.Sequential) -> None:
    with pytest.raises(IndexError, match="out of range"):
        OccurringRows(model[0], [4, 2])(torch.tensor([[3]]))

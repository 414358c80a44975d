from __future__ import annotations

import pytest
import torch
from torch import nn

from domainbert.model.dropout import QuickDropout, drop, quicken_dropout


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("share", [0.05, 0.1, 0.5])
def test_a_share_is_dropped_and_the_mean_stays(share: float, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    n = 400_001  # no multiple of the four elements of a draw
    values = torch.ones(n, dtype=dtype, requires_grad=True)
    out = drop(values, share)
    stays = out != 0
    # Five standard deviations.
    assert abs(float(stays.double().mean()) - (1 - share)) < 5 * (share * (1 - share) / n) ** 0.5
    assert out[stays].unique().tolist() == [out[stays][0].item()]
    assert out[stays][0].item() == pytest.approx(
        1 / (1 - share), rel=1e-4 if out.dtype.itemsize > 2 else 4e-3
    )
    (gradient,) = torch.autograd.grad(out.sum(), values)
    assert torch.equal(gradient, out.detach())


def test_places_are_dropped_without_regard_to_each_other() -> None:
    torch.manual_seed(0)
    stays = (drop(torch.ones(50_000, 8), 0.3) != 0).double()
    together = torch.corrcoef(stays.T) - torch.eye(8, dtype=torch.double)
    assert together.abs().max() < 5 / 50_000**0.5


def test_the_random_state_gives_the_mask() -> None:
    values, found = torch.randn(3, 7), []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        found.append(drop(values, 0.4))
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


@pytest.mark.parametrize(("share", "kept"), [(0.0, 1.0), (1e-9, 1.0), (1.0, 0.0)])
def test_none_and_all_are_as_in_torch(share: float, kept: float) -> None:
    assert torch.equal(drop(torch.ones(1000), share), torch.full((1000,), kept))


def test_layers_are_quickened_in_place_and_stay_as_they_were() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.ModuleDict({"inner": nn.Dropout(0.3)}), nn.Dropout(0))
    model[2].eval()
    keys = list(model.state_dict())
    quicken_dropout(model)
    layers = [m for m in model.modules() if isinstance(m, nn.Dropout)]
    assert [(type(m), m.p, m.training) for m in layers] == [
        (QuickDropout, 0.3, True), (QuickDropout, 0, False)
    ]  # fmt: skip
    assert list(model.state_dict()) == keys


def test_nothing_is_dropped_in_evaluation() -> None:
    values = torch.randn(5, 5)
    assert QuickDropout(0.9).eval()(values) is values

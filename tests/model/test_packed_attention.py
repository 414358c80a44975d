from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from domainbert.model.packed_attention import Runs, attend, packed_attention

RUNS: Runs = ((2, 5), (1, 9), (3, 4))
# Of gradients: sums of some thirty products in seven digits, in the order of the processor. One of
# them, an AMD EPYC, was off by 2.5e-6.
ROUNDING = 1e-5


def row(dtype: torch.dtype) -> list[torch.Tensor]:
    """Return queries, keys and values of a row made of `RUNS`, (1, 3 heads, T, 8)."""
    torch.manual_seed(0)
    tokens = sum(count * length for count, length in RUNS)
    return [torch.randn(1, 3, tokens, 8, dtype=dtype, requires_grad=True) for _ in range(3)]


def gradients(out: torch.Tensor, inputs: list[torch.Tensor]) -> list[torch.Tensor]:
    torch.manual_seed(1)
    return list(torch.autograd.grad(out, inputs, torch.randn(out.shape).to(out.dtype)))


@pytest.mark.parametrize("near", [None, 2])
@pytest.mark.parametrize(("dtype", "bound"), [(torch.float32, 0.0), (torch.bfloat16, 0.03)])
def test_attention_to_learn_in_bf16_is_that_of_sdpa(
    dtype: torch.dtype, bound: float, near: int | None
) -> None:
    inputs, exact = row(dtype), [tensor.double() for tensor in row(dtype)]
    places = torch.arange(inputs[0].size(2))
    mask = None if near is None else (places[:, None] - places[None, :]).abs() < near
    out, wanted = attend(*inputs, mask, 0.0, 0.7), functional.scaled_dot_product_attention(
        *exact, mask, scale=0.7
    )  # fmt: skip
    assert (out.double() - wanted).abs().max() <= bound + 1e-6
    for mine, theirs in zip(gradients(out, inputs), gradients(wanted, exact), strict=True):
        assert (mine.double() - theirs).abs().max() <= 2 * bound + ROUNDING


def test_dropout_of_the_weights_keeps_their_mean() -> None:
    query, key, _ = row(torch.bfloat16)  # with gradient, so one product at a time
    ones = torch.ones_like(key)
    seen = torch.stack([attend(query, key, ones, None, 0.3, None) for _ in range(300)]).detach()
    assert 0.97 < float(seen.float().mean()) < 1.03
    assert float(seen.float().std()) > 0.1


@pytest.mark.parametrize("window", [None, 3])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_sequences_of_a_row_are_as_each_alone(dtype: torch.dtype, window: int | None) -> None:
    inputs = row(dtype)
    out, _ = packed_attention(None, *inputs, None, runs=RUNS, sliding_window=window)
    lengths = [length for count, length in RUNS for _ in range(count)]
    alone = [
        packed_attention(None, *part, None, runs=((1, part[0].size(2)),), sliding_window=window)[0]
        for part in zip(*(tensor.split(lengths, 2) for tensor in inputs), strict=True)
    ]
    bound = 1e-6 if dtype is torch.float32 else 0.02
    assert (out - torch.cat(alone, 1)).abs().max() <= bound


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_without_runs_attention_is_that_of_sdpa_with_its_mask(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    inputs = [torch.randn(2, 3, 6, 8, dtype=dtype, requires_grad=True) for _ in range(3)]
    mask = torch.ones(2, 1, 6, 6, dtype=torch.bool)
    mask[1, :, :, 4:] = False
    mask[1, :, 5] = False  # padding that sees nothing, as behind a sliding window
    wanted = functional.scaled_dot_product_attention(*(t.double() for t in inputs), mask)
    module = torch.nn.Module()
    module.is_causal = False
    out, _ = packed_attention(module, *inputs, mask)
    assert torch.isfinite(out).all()
    real = (wanted.transpose(1, 2) - out.double())[mask[:, 0].any(-1)]
    assert real.abs().max() <= (1e-6 if dtype is torch.float32 else 0.03)

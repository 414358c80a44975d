from __future__ import annotations

from itertools import pairwise, product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import cross_entropy

from domainbert.tasks.baselines.chain import LinearChain

Case = tuple[LinearChain, Tensor, Tensor]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A chain of up to three tags, and the scores of up to three sentences of up to five words."""
    n_tags, sizes = (
        draw(st.integers(1, 3)),
        draw(st.lists(st.integers(1, 5), min_size=1, max_size=3)),
    )
    torch.manual_seed(draw(st.integers(0, 2**32 - 1)))
    chain = LinearChain(n_tags)
    for parameter in chain.parameters():
        parameter.data.normal_()
    mask_BL = torch.arange(max(sizes)) < torch.tensor(sizes).unsqueeze(1)
    return chain, 3 * torch.randn(*mask_BL.shape, n_tags), mask_BL


def score_of(chain: LinearChain, scores_LC: Tensor, path: tuple[int, ...]) -> Tensor:
    total = chain.first_C[path[0]] + chain.last_C[path[-1]]
    total = total + sum(scores_LC[place, tag] for place, tag in enumerate(path))
    return total + sum(chain.moves_CC[pair] for pair in pairwise(path))


@settings(max_examples=60, deadline=None)
@given(cases())
def test_sums_scores_and_best_paths_are_those_of_all_paths(case: Case) -> None:
    chain, scores_BLC, mask_BL = case
    sums_B, best_BL = chain.log_partition(scores_BLC, mask_BL), chain.best_path(scores_BLC, mask_BL)
    for row, size in enumerate(mask_BL.sum(dim=1).tolist()):
        paths = list(product(range(scores_BLC.shape[2]), repeat=size))
        alone = [score_of(chain, scores_BLC[row, :size], path) for path in paths]
        assert sums_B[row].item() == pytest.approx(torch.stack(alone).logsumexp(0).item(), abs=1e-4)
        assert tuple(best_BL[row, :size].tolist()) == paths[torch.stack(alone).argmax()]
        # One of the paths as gold, with any tag in the padding.
        gold_BL = torch.randint(scores_BLC.shape[2], mask_BL.shape)
        gold_BL[row, :size] = torch.tensor(paths[-1])
        given_B = chain.path_score(scores_BLC, mask_BL, gold_BL)
        assert given_B[row].item() == pytest.approx(alone[-1].item(), abs=1e-4)


@settings(max_examples=20, deadline=None)
@given(cases())
def test_padding_changes_no_gradient_and_gradients_are_numeric_ones(case: Case) -> None:
    chain, scores_BLC, mask_BL = case
    chain.double()
    gold_BL = torch.randint(scores_BLC.shape[2], mask_BL.shape)
    given_BLC = scores_BLC.double().requires_grad_()

    def loss(given_BLC: Tensor, *_: Tensor) -> Tensor:
        return chain.loss(given_BLC, mask_BL, gold_BL)

    assert torch.autograd.gradcheck(loss, (given_BLC, *chain.parameters()))
    loss(given_BLC).backward()
    assert given_BLC.grad is not None
    assert not given_BLC.grad[~mask_BL].any()


def test_a_new_chain_is_a_softmax_per_word() -> None:
    scores_BLC, gold_BL = torch.randn(3, 4, 5), torch.randint(5, (3, 4))
    mask_BL = torch.arange(4) < torch.tensor([[4], [1], [2]])
    chain = LinearChain(5)
    expected = cross_entropy(scores_BLC[mask_BL], gold_BL[mask_BL])
    assert torch.allclose(chain.loss(scores_BLC, mask_BL, gold_BL), expected, atol=1e-6)
    best_BL = chain.best_path(scores_BLC, mask_BL)
    assert torch.equal(best_BL[mask_BL], scores_BLC.argmax(dim=2)[mask_BL])


def test_one_tag_is_certain() -> None:
    chain, scores_BLC, mask_BL = LinearChain(1), torch.randn(2, 3, 1), torch.ones(2, 3).bool()
    gold_BL = torch.zeros(2, 3, dtype=torch.long)
    assert chain.loss(scores_BLC, mask_BL, gold_BL).item() == pytest.approx(0, abs=1e-6)
    assert torch.equal(chain.best_path(scores_BLC, mask_BL), gold_BL)

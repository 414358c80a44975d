"""Less memory, another way to compute: the same losses and gradients."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
from helpers.training import frame_of, gradients, worst
from torch import Tensor

from domainbert.errors import RecipeError
from domainbert.model.load import LoadedModel
from domainbert.model.masked_lm import set_dropout
from domainbert.model.packed_attention import attend_within
from domainbert.recipe.train import TrainSection
from domainbert.training.data.batch import LAYOUTS, Layout, MicroBatch
from domainbert.training.data.frame import Frame
from domainbert.training.losses import SummedLosses
from domainbert.training.wrap import naming_batch, save_memory

Load = Callable[[str], LoadedModel]


def batch(layout: Layout, lengths: tuple[int, ...] = (30, 17, 17, 9)) -> MicroBatch:
    numbers = np.random.default_rng(sum(lengths))

    def sequence(length: int) -> Frame:
        places = np.arange(0, length, 5)
        ids, targets = (numbers.integers(10, 60, n) for n in (length, len(places)))
        return frame_of(ids, places, targets)

    return LAYOUTS[layout]([sequence(length) for length in lengths], 0, 64)


@contextmanager
def counted() -> Iterator[list[int]]:
    """Count the bytes that are kept for the backward pass."""
    kept: list[int] = [0]

    def count(tensor: Tensor) -> Tensor:
        kept[0] += tensor.nbytes
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
        yield kept


def learned(module: Any, given: MicroBatch) -> tuple[float, int, dict[str, Tensor]]:
    """Loss, bytes kept, gradients."""
    module.zero_grad(set_to_none=True)
    torch.manual_seed(0)
    with counted() as kept:
        loss = module(given).sum()
    loss.backward()
    return loss.item(), kept[0], gradients(module)


@pytest.mark.parametrize(
    ("family", "layout"),
    [("bert", "flat"), ("bert", "padded"), ("modernbert", "flat"), ("deberta-v2", "rows")],
)
def test_gradient_checkpointing_keeps_less_and_changes_nothing(
    load: Load, family: str, layout: Layout
) -> None:
    model = load(family).model.train()
    set_dropout(model, 0.1)
    if layout == "flat":
        attend_within(model)
    module, given = SummedLosses(model), batch(layout)
    loss, kept, expected = learned(module, given)
    save_memory(model)
    saved = learned(module, given)
    assert saved[0] == pytest.approx(loss, rel=1e-6)
    assert saved[1] < 0.5 * kept
    assert worst(saved[2], expected) < 1e-6


def test_gradient_checkpointing_is_refused_where_the_family_cannot(load: Load) -> None:
    model = load("mpnet").model
    with pytest.raises(RecipeError, match=r"^train\.gradient_checkpointing: .* 'mpnet' cannot\."):
        save_memory(model)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("[enforce fail] . DefaultCPUAllocator: can't allocate memory: you tried to"),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 16.00 GiB.\nGPU 0 has 15."),
        MemoryError(),
    ],
)
def test_memory_that_runs_out_is_named_with_the_setting(error: Exception) -> None:
    settings = TrainSection(steps=1)
    with pytest.raises(Exception) as caught, naming_batch(settings):
        raise error
    reason = (str(error) or "MemoryError").splitlines()[0].rstrip(".")
    assert str(caught.value).startswith(
        f"train.micro_batch_size: {settings.micro_batch_size}, with train.max_seq_length: "
        f"{settings.max_seq_length}, needs more memory than there is ({reason}). The last "
    )


@pytest.mark.slow
def test_a_compiled_model_has_the_losses_gradients_and_names_of_a_plain_one(load: Load) -> None:
    model = load("bert").model.train()
    set_dropout(model, 0.0)
    plain, compiled = SummedLosses(model), SummedLosses(model)
    compiled.compile(dynamic=True)
    for lengths in [(30, 17, 17, 9), (40, 20, 11), (33, 32, 31, 30, 29)]:
        given = batch("padded", lengths)
        loss, _, expected = learned(plain, given)
        found = learned(compiled, given)
        assert found[0] == pytest.approx(loss, rel=1e-5)
        assert worst(found[2], expected) < 1e-5
    assert list(compiled.state_dict()) == list(plain.state_dict())
    assert "_orig_mod" not in "".join(name for name, _ in model.named_parameters())

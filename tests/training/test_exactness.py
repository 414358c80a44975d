"""The loss of a step is the mean over its masked tokens, however the step is cut into passes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from helpers.training import gradients, mask_text, worst
from torch import Tensor

from domainbert.model.masked_lm import MaskedLanguageModel
from domainbert.testing import FAMILIES
from domainbert.training.data.batch import LAYOUTS, masked_batch
from domainbert.training.data.order import global_batch
from domainbert.training.phases import batch_places
from domainbert.training.step import Job

MakeJob = Callable[..., Job]
Once = Callable[..., Any]
STEP = 3
SETTINGS = {"batch_size": 8, "micro_batch_size": 8, "max_seq_length": 40, "max_grad_norm": 1e9}


def brute_force(job: Job) -> tuple[float, int, int, dict[str, Tensor]]:
    """Loss, counts and gradients of the mean over all masked tokens, one sequence at a time."""
    losses: list[Tensor] = []
    tokens = 0
    for key in global_batch(job.index, job.settings.seed, batch_places(job.settings, STEP)):
        text = job.store.ids(key.document)[key.start : key.stop]
        sequence = mask_text(text, job.masking, key.epoch, key.sequence)
        ids = torch.from_numpy(sequence.ids_L)[None]
        logits = job.model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits[0]
        for position, target in zip(sequence.positions_M, sequence.targets_M, strict=True):
            losses.append(-logits[int(position)].log_softmax(dim=0)[int(target)])
        tokens += ids.shape[1]
    mean = torch.stack(losses).mean()
    job.model.zero_grad(set_to_none=True)
    mean.backward()
    return float(mean.detach()), len(losses), tokens, gradients(job.model)


@pytest.mark.parametrize("family", FAMILIES)
def test_loss_and_gradients_are_those_of_the_mean_over_masked_tokens(
    make_job: MakeJob, train_once: Once, family: str
) -> None:
    packed = "rows" if family in {"deberta-v2", "mpnet"} else "flat"
    loss, masked, tokens, expected = brute_force(make_job(family, **SETTINGS))
    for micro, layout in [(m, la) for m in (1, 2, 8) for la in ("", "padded")]:
        job = make_job(family, layout, **SETTINGS | {"micro_batch_size": micro})
        assert job.layout == layout or packed
        losses, read, found = train_once(job)
        total, count = losses["masked-lm"]
        assert (count, read) == (masked, tokens), micro
        assert total / count == pytest.approx(loss, rel=1e-5), micro
        assert worst(gradients(job.model), expected) < 1e-5, micro
        norm = torch.cat([value.flatten() for value in expected.values()]).norm()
        assert found == pytest.approx(float(norm), rel=1e-5), micro
    # Sequences differ in their numbers of masked tokens: an average of averages is another loss.
    keys = global_batch(job.index, 0, batch_places(job.settings, STEP))
    assert len({len(masked_batch(job, [key], 64).targets_N) for key in keys}) > 2


def test_the_gradient_is_clipped_to_the_norm(make_job: MakeJob, train_once: Once) -> None:
    free, clipped = make_job(**SETTINGS), make_job(**SETTINGS | {"max_grad_norm": 0.01})
    norm = train_once(free)[2]
    assert train_once(clipped)[2] == pytest.approx(norm, rel=1e-5)
    expected = {name: value * (0.01 / norm) for name, value in gradients(free.model).items()}
    assert worst(gradients(clipped.model), expected) < 1e-4


def test_dropout_depends_on_the_step_and_not_on_what_came_before(
    make_job: MakeJob, train_once: Once
) -> None:
    def loss(noise: int, **settings: float) -> float:
        job = make_job(**SETTINGS | settings)
        torch.manual_seed(noise)
        return train_once(job)[0]["masked-lm"][0]

    expected = loss(1, dropout=0.2)
    assert loss(2, dropout=0.2) == expected
    assert loss(1, dropout=0.0) != expected
    assert loss(1, dropout=0.2, seed=1) != expected


@pytest.mark.parametrize(
    ("layout", "lengths", "shape", "mask", "places", "starts"),
    [
        ("padded", (4, 9), (2, 16), [[1] * 6 + [0] * 10, [1] * 11 + [0] * 5], None, (0, 16)),
        ("flat", (4, 9, 4), (1, 32), None,
         [[*range(11), *range(6), *range(6), *[0] * 9]], (11, 0, 17)),
        ("rows", (14, 9, 3, 2), (3, 16), [[1] * 16, [2] * 11 + [3] * 5, [4] * 4 + [0] * 12],
         [[*range(16)], [*range(11), *range(5)], [*range(4), *[0] * 12]], (0, 16, 27, 32)),
    ],
)  # fmt: skip
def test_layouts_by_hand(
    make_job: MakeJob, layout: str, lengths: tuple[int, ...], shape: tuple[int, int],
    mask: list[list[int]] | None, places: list[list[int]] | None, starts: tuple[int, ...],
) -> None:  # fmt: skip
    masking = make_job().masking
    sequences = [mask_text(np.arange(10, 10 + n), masking) for n in lengths]
    batch = LAYOUTS[layout](sequences, 0, 64)
    assert batch.input_ids_BL.shape == shape
    assert batch.n_tokens == sum(lengths) + 2 * len(lengths)
    for tensor, expected in ((batch.attention_mask_BL, mask), (batch.places_BL, places)):
        assert (None if tensor is None else tensor.tolist()) == expected
    assert batch.runs == (((1, 11), (2, 6), (1, 9)) if layout == "flat" else ())
    originals = batch.input_ids_BL.flatten().clone()
    originals[batch.positions_N] = batch.targets_N
    for start, length in zip(starts, lengths, strict=True):
        assert originals[start + 1 : start + 1 + length].tolist() == [*range(10, 10 + length)]


@pytest.mark.parametrize("window", [1, 4])
def test_local_attention_stays_local_in_a_flat_batch(make_job: MakeJob, window: int) -> None:
    job = make_job("modernbert", **SETTINGS)
    # Sequences are longer than the window, so that it shows.
    job.model.config.sliding_window = window
    for layer in job.model.model.layers:
        if layer.attn.sliding_window is not None:
            layer.attn.sliding_window = window + 1
    sequences = [mask_text(np.arange(10, 10 + n), job.masking, 0, n) for n in (30, 9, 31)]
    sequences.sort(key=lambda item: -len(item.ids_L))
    wrapped = MaskedLanguageModel(job.model)
    flat, padded = (LAYOUTS[layout](sequences, 0, 64) for layout in ("flat", "padded"))
    with torch.no_grad():
        found, expected = wrapped.logits(flat), wrapped.logits(padded)
        job.model.config.sliding_window = 64
        other = wrapped.logits(padded)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    assert float((other - expected).abs().max()) > 1e-3

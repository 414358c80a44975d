"""The loss of a step is the mean over its masked tokens, however the step is cut into passes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from helpers.training import brute_force, gradients, mask_text, worst

from domainbert.model.masked_lm import MaskedLanguageModel
from domainbert.testing import FAMILIES
from domainbert.training.data.batch import LAYOUTS
from domainbert.training.step import Job

MakeJob = Callable[..., Job]
Once = Callable[..., Any]
STEP = 3
SETTINGS = {"batch_size": 8, "micro_batch_size": 8, "max_seq_length": 40, "max_grad_norm": 1e9}


@pytest.mark.parametrize(
    ("family", "method"),
    [*((family, "full") for family in FAMILIES), ("bert", "lora"), ("modernbert", "lora")],
)
def test_loss_and_gradients_are_those_of_the_mean_over_masked_tokens(
    make_job: MakeJob, train_once: Once, family: str, method: str
) -> None:
    packed = "rows" if family in {"deberta-v2", "mpnet"} else "flat"
    settings = {**SETTINGS, "method": method}
    (loss,), masked, tokens, expected = brute_force(make_job(family, **settings), STEP)
    assert (method == "lora") == all("lora_" in name for name in expected)
    for micro, layout in [(m, la) for m in (1, 2, 8) for la in ("", "padded")]:
        job = make_job(family, layout, **settings | {"micro_batch_size": micro})
        assert job.layout == layout or packed
        losses, read, found = train_once(job)
        total, count = losses["masked-lm"]
        assert (count, read) == (masked, tokens), micro
        assert total / count == pytest.approx(loss, rel=1e-5), micro
        assert worst(gradients(job.model), expected) < 1e-5, micro
        norm = torch.cat([value.flatten() for value in expected.values()]).norm()
        assert found == pytest.approx(float(norm), rel=1e-5), micro


def test_the_gradient_is_clipped_to_the_norm(make_job: MakeJob, train_once: Once) -> None:
    free, clipped = make_job(**SETTINGS), make_job(**SETTINGS | {"max_grad_norm": 0.01})
    norm = train_once(free)[2]
    assert train_once(clipped)[2] == pytest.approx(norm, rel=1e-5)
    expected = {name: value * (0.01 / norm) for name, value in gradients(free.model).items()}
    assert worst(gradients(clipped.model), expected) < 1e-4


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

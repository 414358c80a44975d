"""The loss of a step is the mean over its masked tokens, however the step is cut into passes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from domainbert.corpus.store import TokenStore
from domainbert.model.load import LoadedModel
from domainbert.model.masked_lm import MaskedLanguageModel, layout_of, set_dropout
from domainbert.model.packed_attention import attend_within
from domainbert.recipe.train import TrainSection
from domainbert.run.session import Session
from domainbert.testing import FAMILIES, sample_texts
from domainbert.tokenizer.load import special_tokens
from domainbert.training.batch_ramp import batch_places
from domainbert.training.data.batch import collate, fill_rows, flatten, masked_batch
from domainbert.training.data.masking import mask_sequence, masking_config
from domainbert.training.data.order import global_batch, index_sequences
from domainbert.training.schedule import build_optimizer
from domainbert.training.step import Job, StepSums, train_step

Load = Callable[[str], LoadedModel]
MakeStore = Callable[..., TokenStore]
SETTINGS = TrainSection(
    steps=10,
    batch_size=8,
    micro_batch_size=8,
    max_seq_length=40,
    max_grad_norm=1e9,
    precision="fp32",
)
STEP = 3


@pytest.fixture
def make_job(load: Load, make_store: MakeStore, session: Session) -> Callable[..., Job]:
    """A job with a model of its own each time."""

    def make(family: str = "bert", **changes: float) -> Job:
        settings = SETTINGS.model_copy(update=changes)
        loaded = load(family)
        set_dropout(loaded.model, settings.dropout)
        layout = layout_of(loaded.model) if settings.packing else "padded"
        if layout == "flat":
            attend_within(loaded.model)
        store = make_store(sample_texts(30), loaded.tokenizer)
        specials = special_tokens(loaded.tokenizer)
        return Job(
            model=loaded.model.train(),
            store=store,
            index=index_sequences(store, np.arange(30), settings.max_seq_length - 2),
            rule=masking_config(0.15, 0, specials, len(loaded.tokenizer)),
            layout=layout,
            settings=settings,
            session=session,
        )

    return make


def one_step(job: Job, learning_rate: float = 0.0) -> StepSums:
    optimizer = build_optimizer(job.model, (0.9, 0.98), 0.01, torch.device("cpu"))
    return train_step(job, MaskedLanguageModel(job.model), optimizer, STEP, learning_rate)


def gradients(model: nn.Module) -> dict[str, Tensor]:
    return {name: p.grad for name, p in model.named_parameters() if p.grad is not None}


def brute_force(job: Job) -> tuple[float, int, int, dict[str, Tensor]]:
    """Loss, counts and gradients of the mean over all masked tokens, one sequence at a time."""
    losses: list[Tensor] = []
    tokens = 0
    for key in global_batch(job.index, job.settings.seed, batch_places(job.settings, STEP)):
        text = job.store.ids(key.document)[key.start : key.stop]
        sequence = mask_sequence(text, job.rule, key.epoch, key.sequence)
        ids = torch.from_numpy(sequence.input_ids_L)[None]
        logits = job.model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits[0]
        for position, target in zip(sequence.positions_M, sequence.targets_M, strict=True):
            losses.append(-logits[int(position)].log_softmax(dim=0)[int(target)])
        tokens += ids.shape[1]
    mean = torch.stack(losses).mean()
    job.model.zero_grad(set_to_none=True)
    mean.backward()
    return float(mean.detach()), len(losses), tokens, gradients(job.model)


def worst(found: dict[str, Tensor], expected: dict[str, Tensor]) -> float:
    """The largest difference of two sets of gradients, relative to the largest gradient."""
    assert found.keys() == expected.keys()
    largest = max(float(value.abs().max()) for value in expected.values())
    return max(float((found[name] - expected[name]).abs().max()) for name in found) / largest


@pytest.mark.parametrize("family", FAMILIES)
def test_loss_and_gradients_are_those_of_the_mean_over_masked_tokens(
    make_job: Callable[..., Job], family: str
) -> None:
    loss, masked, tokens, expected = brute_force(make_job(family))
    for micro, packing in product((1, 2, 8), (True, False)):
        job = make_job(family, micro_batch_size=micro, packing=packing)
        rows = family in {"deberta-v2", "mpnet"}
        assert job.layout == (("rows" if rows else "flat") if packing else "padded")
        sums = one_step(job)
        assert (sums.masked, sums.tokens) == (masked, tokens), micro
        assert sums.nats / sums.masked == pytest.approx(loss, rel=1e-5), micro
        assert worst(gradients(job.model), expected) < 1e-5, micro
        norm = torch.cat([value.flatten() for value in expected.values()]).norm()
        assert sums.gradient_norm == pytest.approx(float(norm), rel=1e-5), micro


def test_an_average_of_averages_would_be_another_loss(make_job: Callable[..., Job]) -> None:
    """What the test above would miss if all sequences had as many masked tokens."""
    job = make_job()
    keys = global_batch(job.index, 0, batch_places(job.settings, STEP))
    counts = {len(masked_batch(job.store, [key], job.rule, "padded", 64).targets_N) for key in keys}
    assert len(counts) > 2


def test_the_gradient_is_clipped_to_the_norm(make_job: Callable[..., Job]) -> None:
    free, clipped = make_job(), make_job(max_grad_norm=0.01)
    norm = one_step(free).gradient_norm
    assert one_step(clipped).gradient_norm == pytest.approx(norm, rel=1e-5)
    expected = {name: value * (0.01 / norm) for name, value in gradients(free.model).items()}
    assert worst(gradients(clipped.model), expected) < 1e-4


def test_dropout_depends_on_the_step_and_not_on_what_came_before(
    make_job: Callable[..., Job],
) -> None:
    first, second = make_job(dropout=0.2), make_job(dropout=0.2)
    torch.manual_seed(1)
    expected = one_step(first).nats
    torch.manual_seed(2)
    assert one_step(second).nats == expected
    assert one_step(make_job(dropout=0.0)).nats != expected
    assert one_step(make_job(dropout=0.2, seed=1)).nats != expected


@pytest.mark.parametrize("family", FAMILIES)
def test_padding_changes_no_loss(make_job: Callable[..., Job], family: str) -> None:
    job = make_job(family)
    sequences = [
        mask_sequence(np.arange(10, 10 + length), job.rule, 0, number)
        for number, length in enumerate((3, 38, 11))
    ]
    wrapped = MaskedLanguageModel(job.model)

    def losses(index: list[int]) -> Tensor:
        batch = collate([sequences[i] for i in index], job.rule.specials.pad, 64)
        logits = wrapped.logits(batch)
        return functional.cross_entropy(logits, batch.targets_N, reduction="none")

    with torch.no_grad():
        together = losses([0, 1, 2])
        alone = torch.cat([losses([i]) for i in range(3)])
    torch.testing.assert_close(together, alone, rtol=1e-5, atol=1e-5)


def test_a_micro_batch_is_padded_to_a_multiple_of_eight(make_job: Callable[..., Job]) -> None:
    rule = make_job().rule
    sequences = [mask_sequence(np.arange(10, 10 + n), rule, 0, n) for n in (4, 9)]
    batch = collate(sequences, pad_id=0, longest=64)
    assert batch.input_ids_BL.shape == (2, 16)
    assert batch.attention_mask_BL.sum(dim=1).tolist() == [6, 11]
    assert batch.n_tokens == 17
    assert batch.input_ids_BL[0, 6:].tolist() == [0] * 10
    originals = batch.input_ids_BL.flatten().clone()
    originals[batch.positions_N] = batch.targets_N
    assert originals[1:5].tolist() == [10, 11, 12, 13]
    assert originals[17:26].tolist() == list(range(10, 19))


def test_a_flat_batch_has_the_sequences_one_behind_the_other(make_job: Callable[..., Job]) -> None:
    rule = make_job().rule
    sequences = [mask_sequence(np.arange(10, 10 + n), rule, 0, n) for n in (4, 9, 4)]
    batch = flatten(sequences, pad_id=0, longest=64)
    assert batch.input_ids_BL.shape == (1, 32)
    assert batch.runs == ((1, 11), (2, 6), (1, 9))
    assert batch.n_tokens == 23
    assert batch.attention_mask_BL is None
    assert batch.places_BL is not None
    assert batch.places_BL[0].tolist() == [*range(11), *range(6), *range(6), *range(9)]
    originals = batch.input_ids_BL.flatten().clone()
    originals[batch.positions_N] = batch.targets_N
    assert originals[1:10].tolist() == list(range(10, 19))
    assert originals[12:16].tolist() == originals[18:22].tolist() == [10, 11, 12, 13]
    assert originals[23:].tolist() == [0] * 9


def test_rows_are_filled_with_the_sequences_that_fit(make_job: Callable[..., Job]) -> None:
    rule = make_job().rule
    sequences = [mask_sequence(np.arange(10, 10 + n), rule, 0, n) for n in (14, 9, 3, 2)]
    batch = fill_rows(sequences, pad_id=0, longest=64)  # 16, 11, 5 and 4 tokens
    assert batch.attention_mask_BL is not None
    assert batch.attention_mask_BL.tolist() == [[1] * 16, [1] * 11 + [2] * 5, [1] * 4 + [0] * 12]
    assert batch.places_BL is not None
    assert batch.places_BL[1].tolist() == [*range(11), *range(5)]
    assert batch.n_tokens == 36
    originals = batch.input_ids_BL.flatten().clone()
    originals[batch.positions_N] = batch.targets_N
    assert originals[16 + 12 : 16 + 15].tolist() == [10, 11, 12]
    assert originals[33:35].tolist() == [10, 11]


@pytest.mark.parametrize("window", [1, 4])
def test_local_attention_stays_local_in_a_flat_batch(
    make_job: Callable[..., Job], window: int
) -> None:
    job = make_job("modernbert")
    # Sequences are longer than the window, so that it shows.
    job.model.config.sliding_window = window
    for layer in job.model.model.layers:
        if layer.attn.sliding_window is not None:
            layer.attn.sliding_window = window + 1
    sequences = [mask_sequence(np.arange(10, 10 + n), job.rule, 0, n) for n in (30, 9, 30)]
    wrapped = MaskedLanguageModel(job.model)
    flat = flatten(sequences, job.rule.specials.pad, 64)
    ordered = sorted(sequences, key=lambda item: -len(item.input_ids_L))
    padded = collate(ordered, job.rule.specials.pad, 64)
    with torch.no_grad():
        found, expected = wrapped.logits(flat), wrapped.logits(padded)
        job.model.config.sliding_window = 64
        other = wrapped.logits(padded)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    assert float((other - expected).abs().max()) > 1e-3


def test_what_attention_is_set_to_is_not_saved(
    make_job: Callable[..., Job], tmp_path: Path
) -> None:
    make_job().model.save_pretrained(tmp_path)
    assert "packed" not in (tmp_path / "config.json").read_text(encoding="utf-8")


def test_the_model_without_padding_to_eight_gives_the_same(make_job: Callable[..., Job]) -> None:
    job = make_job()
    sequence = mask_sequence(np.arange(10, 21), job.rule, 0, 0)
    batch = collate([sequence], job.rule.specials.pad, 64)
    short = replace(
        batch,
        input_ids_BL=batch.input_ids_BL[:, :13],
        attention_mask_BL=batch.attention_mask_BL[:, :13],
    )
    wrapped = MaskedLanguageModel(job.model)
    found = [wrapped.logits(b) for b in (batch, short)]
    torch.testing.assert_close(found[0], found[1], rtol=1e-5, atol=1e-6)

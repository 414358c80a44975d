"""Pairs of texts: what they are made of, how they are framed, and their exact loss."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from domainbert.corpus.store import TokenStore
from domainbert.corpus.token_units import BEGINS_WORD, word_units
from domainbert.errors import DataError, RecipeError
from domainbert.model.export import export_model
from domainbert.model.load import LoadedModel
from domainbert.model.masked_lm import MaskedLanguageModel, set_dropout
from domainbert.model.pair_head import NAME
from domainbert.recipe.train import TrainSection
from domainbert.run.session import Session
from domainbert.testing import sample_texts
from domainbert.training.batch_ramp import batch_places
from domainbert.training.data.batch import masked_sequence
from domainbert.training.data.frame import Frame
from domainbert.training.data.order import SequenceKey, global_batch
from domainbert.training.data.pairs import check_pairs, frame_pair
from domainbert.training.job import build_job
from domainbert.training.schedule import build_optimizer
from domainbert.training.step import Job, train_step

Load = Callable[[str], LoadedModel]
MakeStore = Callable[..., TokenStore]
MakeJob = Callable[..., Job]
TEXTS = sample_texts(30)


@pytest.fixture
def make_job(load: Load, make_store: MakeStore, session: Session) -> MakeJob:
    def make(family: str = "bert", kind: str = "order", **changes: Any) -> Job:
        settings = TrainSection(
            **{"steps": 10, "batch_size": 8, "micro_batch_size": 8, "max_seq_length": 40}
            | {"max_grad_norm": 1e9, "precision": "fp32", "sentence_pairs": kind}
            | changes
        )
        loaded = load(family)
        set_dropout(loaded.model, settings.dropout)
        store = make_store(TEXTS, loaded.tokenizer, word_units())
        return build_job(settings, loaded, store, np.arange(30), session)

    return make


def keys_of(job: Job, steps: int = 6) -> Iterator[SequenceKey]:
    for step in range(steps):
        yield from global_batch(job.index, job.settings.seed, batch_places(job.settings, step))


def parts(frame: Frame, job: Job) -> list[list[int]]:
    """The texts between special tokens."""
    found: list[list[int]] = [[]]
    for number, inside in zip(frame.ids_L.tolist(), frame.inside_L.tolist(), strict=True):
        if inside:
            found[-1].append(number)
        elif found[-1]:
            found.append([])
    return [part for part in found if part]


def whole_words(job: Job, key: SequenceKey) -> list[int]:
    """The ids of the sequence without words that its ends cut."""
    marks = job.store.marks(key.document)
    bounds = [*np.flatnonzero(marks & BEGINS_WORD).tolist(), len(marks)]
    inside = [place for place in bounds if key.start <= place <= key.stop]
    return job.store.ids(key.document)[inside[0] : inside[-1]].tolist()


@pytest.mark.parametrize("family", ["bert", "roberta", "xlm-roberta"])
def test_the_order_is_right_or_swapped_and_cut_at_a_word(make_job: MakeJob, family: str) -> None:
    job = make_job(family)
    labels: Counter[int | None] = Counter()
    for key in keys_of(job):
        frame = frame_pair(key, job.rule.pairs)
        first, second = parts(frame, job)
        labels[frame.pair_label] += 1
        text = whole_words(job, key)
        assert (second + first if frame.pair_label else first + second) == text
        marks = frame.marks_L[np.flatnonzero(frame.inside_L)]
        assert marks[0] & marks[len(first)] & BEGINS_WORD
    assert set(labels) == {0, 1}


def places_of(part: list[int], store: TokenStore) -> set[tuple[int, int]]:
    """(document, first token) of every place where these ids stand at the beginning of a word."""
    found = set()
    for document in range(len(store.lengths_D)):
        ids, marks = store.ids(document).tolist(), store.marks(document)
        for start in range(len(ids) - len(part) + 1):
            if marks[start] & BEGINS_WORD and ids[start : start + len(part)] == part:
                found.add((document, start))
    return found


def test_the_next_is_the_next_or_a_stretch_of_another_document(make_job: MakeJob) -> None:
    job = make_job(kind="next")
    labels: Counter[int | None] = Counter()
    documents = set()
    for key in keys_of(job):
        frame = frame_pair(key, job.rule.pairs)
        first, second = parts(frame, job)
        text = whole_words(job, key)
        labels[frame.pair_label] += 1
        assert first == text[: len(first)]
        if frame.pair_label == 0:
            assert second == text[len(first) :]
            continue
        assert len(second) <= key.stop - key.start - len(first)
        others = {d for d, _ in places_of(second, job.store) if d != key.document}
        assert others
        documents |= others
    assert set(labels) == {0, 1}
    assert len(documents) > 10


def test_lengths_of_the_parts_do_not_tell_the_class(make_job: MakeJob) -> None:
    job = make_job(kind="next", max_seq_length=24)
    lengths: dict[int, list[int]] = {0: [], 1: []}
    for key in keys_of(job, 60):
        frame = frame_pair(key, job.rule.pairs)
        if frame.pair_label is not None:
            lengths[frame.pair_label].append(len(parts(frame, job)[1]))
    means = [float(np.mean(found)) for found in lengths.values()]
    assert means[1] == pytest.approx(means[0], rel=0.1)


@pytest.mark.parametrize("kind", ["next", "order"])
def test_either_class_has_chance_one_half(make_job: MakeJob, kind: str) -> None:
    job = make_job(kind=kind)
    labels = [frame_pair(key, job.rule.pairs).pair_label for key in keys_of(job, 250)]
    pairs = len(labels) - labels.count(None)
    assert pairs > 1900
    assert abs(labels.count(1) - pairs / 2) < 5 * math.sqrt(pairs / 4)


def test_a_pair_is_a_function_of_seed_epoch_and_sequence(make_job: MakeJob) -> None:
    job, again, other = make_job(kind="next"), make_job(kind="next"), make_job(kind="next", seed=1)
    key = SequenceKey(0, 3, *job.index.locate(np.array([3]))[0].tolist())
    later = SequenceKey(1, 3, key.document, key.start, key.stop)

    def ids(job: Job, key: SequenceKey) -> list[int]:
        return masked_sequence(job.store, key, job.rule).input_ids_L.tolist()

    assert ids(job, key) == ids(again, key)
    assert len({tuple(ids(job, key)), tuple(ids(job, later)), tuple(ids(other, key))}) == 3


FAMILIES = ["bert", "roberta", "xlm-roberta", "mpnet", "deberta-v2", "albert", "modernbert"]


@pytest.mark.parametrize("family", FAMILIES)
def test_frame_and_token_types_are_the_tokenizers(
    load: Load, make_job: MakeJob, family: str
) -> None:
    job, tokenizer = make_job(family), load(family).tokenizer
    specials = job.rule.specials
    told = tokenizer("a", "a")
    bare = tokenizer("a", add_special_tokens=False)["input_ids"]
    between, suffix = [*specials.between], [*specials.suffix]
    assert told["input_ids"] == [*specials.prefix, *bare, *between, *bare, *suffix]
    typed = getattr(job.model.config, "type_vocab_size", 0) > 1
    pairs = 0
    for key in keys_of(job, 2):
        frame = frame_pair(key, job.rule.pairs)
        if frame.pair_label is None:
            continue
        pairs += 1
        first, second = parts(frame, job)
        expected = [*specials.prefix, *first, *between, *second, *suffix]
        assert frame.ids_L.tolist() == expected
        assert len(expected) <= job.settings.max_seq_length
        assert (frame.token_types_L is not None) == typed
        ones = len(second) + len(suffix)
        if typed:
            assert frame.token_types_L.tolist() == [0] * (len(expected) - ones) + [1] * ones
    assert pairs > 10
    if typed and "token_type_ids" in told:
        ones = len(bare) + len(suffix)
        assert told["token_type_ids"] == [0] * (len(told["input_ids"]) - ones) + [1] * ones


def test_a_sequence_of_one_word_is_no_pair(load: Load, make_store: MakeStore, session: Any) -> None:
    loaded = load("bert")
    store = make_store(["the", "zyx", "quokka"], loaded.tokenizer, word_units())
    settings = TrainSection(steps=1, batch_size=3, max_seq_length=16, sentence_pairs="next")
    job = build_job(settings, loaded, store, np.arange(3), session)
    for key in keys_of(job, 1):
        frame = frame_pair(key, job.rule.pairs)
        assert frame.pair_label is None
        assert frame.token_types_L.tolist() == [0] * len(frame.ids_L)
        assert parts(frame, job) == [job.store.ids(key.document).tolist()]
    optimizer = build_optimizer(job.model, (0.9, 0.98), 0.01, torch.device("cpu"))
    sums = train_step(job, MaskedLanguageModel(job.model), optimizer, 0, 0.0)
    assert (sums.pairs, sums.pair_nats) == (0, 0.0)
    assert float(getattr(job.model, NAME).dense.weight.grad.abs().max()) == 0.0


def test_next_is_refused_for_one_document(load: Load, make_store: MakeStore, session: Any) -> None:
    loaded = load("bert")
    store = make_store(TEXTS[:2], loaded.tokenizer, word_units())
    settings = TrainSection(steps=1, batch_size=3, max_seq_length=16, sentence_pairs="next")
    with pytest.raises(RecipeError, match="the training slice has one document"):
        build_job(settings, loaded, store, np.arange(1), session)


def test_a_tokenizer_without_a_frame_for_pairs_is_refused(make_job: MakeJob) -> None:
    rule = make_job().rule.pairs
    with pytest.raises(RecipeError, match="has no frame for two texts"):
        check_pairs(replace(rule, specials=replace(rule.specials, between=None)))


def test_a_store_without_marks_is_refused(load: Load, make_store: MakeStore, session: Any) -> None:
    loaded = load("bert")
    store = make_store(TEXTS, loaded.tokenizer)
    for train in ({"sentence_pairs": "order"}, {"masking": "word"}):
        settings = TrainSection(steps=1, max_seq_length=16, **train)
        with pytest.raises(DataError, match="does not say where words begin"):
            build_job(settings, loaded, store, np.arange(30), session)


# --- the loss


def gradients(model: nn.Module) -> dict[str, Tensor]:
    return {name: p.grad for name, p in model.named_parameters() if p.grad is not None}


def brute_force(job: Job, step: int) -> tuple[float, float, dict[str, Tensor]]:
    """Both losses and the gradients of their sum, one sequence at a time, unpacked."""
    tokens: list[Tensor] = []
    pairs: list[Tensor] = []
    for key in global_batch(job.index, job.settings.seed, batch_places(job.settings, step)):
        item = masked_sequence(job.store, key, job.rule)
        inputs = {"input_ids": torch.from_numpy(item.input_ids_L)[None]}
        if item.token_types_L is not None:
            inputs["token_type_ids"] = torch.from_numpy(item.token_types_L)[None]
        logits = job.model(**inputs).logits[0]
        for position, target in zip(item.positions_M, item.targets_M, strict=True):
            tokens.append(-logits[int(position)].log_softmax(dim=0)[int(target)])
        if item.pair_label is not None:
            first = job.model.base_model(**inputs).last_hidden_state[:, 0]
            classes = getattr(job.model, NAME)(first)[0]
            pairs.append(-classes.log_softmax(dim=0)[item.pair_label])
    losses = torch.stack(tokens).mean(), torch.stack(pairs).mean()
    job.model.zero_grad(set_to_none=True)
    sum(losses).backward()
    return float(losses[0].detach()), float(losses[1].detach()), gradients(job.model)


@pytest.mark.parametrize("packing", [True, False])
@pytest.mark.parametrize("family", FAMILIES)
def test_both_losses_are_exact_means_over_the_step(
    make_job: MakeJob, family: str, packing: bool
) -> None:
    kind = "next" if family == "bert" else "order"
    loss, pair_loss, expected = brute_force(make_job(family, kind, packing=False), 3)
    for micro in (1, 3, 8):
        job = make_job(family, kind, packing=packing, micro_batch_size=micro)
        job.model.train()
        optimizer = build_optimizer(job.model, (0.9, 0.98), 0.01, torch.device("cpu"))
        sums = train_step(job, MaskedLanguageModel(job.model), optimizer, 3, 0.0)
        assert sums.nats / sums.masked == pytest.approx(loss, rel=1e-5), micro
        assert sums.pair_nats / sums.pairs == pytest.approx(pair_loss, rel=1e-5), micro
        found = gradients(job.model)
        assert found.keys() == expected.keys()
        largest = max(float(value.abs().max()) for value in expected.values())
        worst = max(float((found[name] - expected[name]).abs().max()) for name in found)
        assert worst / largest < 1e-5, micro


def test_the_head_depends_on_the_seed_and_leaves_the_random_state(make_job: MakeJob) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    heads = []
    for seed in (0, 0, 1):
        state = torch.get_rng_state()
        heads.append(getattr(make_job(seed=seed).model, NAME).dense.weight)
        torch.set_rng_state(state)
    assert torch.equal(torch.rand(3), expected)
    assert torch.equal(heads[0], heads[1])
    assert not torch.equal(heads[0], heads[2])


def test_the_saved_model_has_no_head(load: Load, make_job: MakeJob, tmp_path: Any) -> None:
    from safetensors.torch import load_file

    job = make_job()
    plain = {name for name, _ in load("bert").model.named_parameters()}
    export_model(job.model, load("bert"), tmp_path / "model")
    assert set(load_file(tmp_path / "model" / "model.safetensors")) <= plain
    assert hasattr(job.model, NAME)

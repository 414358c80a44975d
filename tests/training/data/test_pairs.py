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
from helpers.training import gradients, worst
from torch import Tensor, nn

from domainbert.corpus.store import TokenStore
from domainbert.corpus.token_units import BEGINS_WORD, word_units
from domainbert.errors import DataError, RecipeError
from domainbert.model.load import LoadedModel
from domainbert.recipe.train import TrainSection
from domainbert.testing import sample_texts
from domainbert.training.data.batch import masked_sequence
from domainbert.training.data.frame import Frame
from domainbert.training.data.order import SequenceKey, global_batch
from domainbert.training.data.pairs import frame_pair
from domainbert.training.job import build_job
from domainbert.training.losses import prepare_objectives
from domainbert.training.phases import batch_places
from domainbert.training.step import Job

Load = Callable[[str], LoadedModel]
MakeStore = Callable[..., TokenStore]
MakeJob = Callable[..., Job]
TEXTS = sample_texts(30)


@pytest.fixture
def pair_job(make_job: MakeJob) -> MakeJob:
    def make(family: str = "bert", kind: str = "order", layout: str = "", **changes: Any) -> Job:
        settings = {"batch_size": 8, "micro_batch_size": 8, "max_seq_length": 40}
        return make_job(
            family, layout, **settings | {"max_grad_norm": 1e9, "sentence_pairs": kind} | changes
        )

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
    units = job.store.units(key.document)
    bounds = [*np.flatnonzero(units & BEGINS_WORD).tolist(), len(units)]
    inside = [place for place in bounds if key.start <= place <= key.stop]
    return job.store.ids(key.document)[inside[0] : inside[-1]].tolist()


@pytest.mark.parametrize("family", ["bert", "roberta", "xlm-roberta"])
def test_the_order_is_right_or_swapped_and_cut_at_a_word(pair_job: MakeJob, family: str) -> None:
    job = pair_job(family)
    labels: Counter[int | None] = Counter()
    for key in keys_of(job):
        frame = frame_pair(key, job)
        first, second = parts(frame, job)
        labels[frame.label] += 1
        text = whole_words(job, key)
        assert (second + first if frame.label else first + second) == text
        units = frame.units_L[np.flatnonzero(frame.inside_L)]
        assert units[0] & units[len(first)] & BEGINS_WORD
    assert set(labels) == {0, 1}


def places_of(part: list[int], store: TokenStore) -> set[tuple[int, int]]:
    """(document, first token) of every place where these ids stand at the beginning of a word."""
    found = set()
    for document in range(len(store.lengths_D)):
        ids, units = store.ids(document).tolist(), store.units(document)
        for start in range(len(ids) - len(part) + 1):
            if units[start] & BEGINS_WORD and ids[start : start + len(part)] == part:
                found.add((document, start))
    return found


def test_the_next_is_the_next_or_a_stretch_of_another_document(pair_job: MakeJob) -> None:
    job = pair_job(kind="next")
    labels: Counter[int | None] = Counter()
    documents = set()
    for key in keys_of(job):
        frame = frame_pair(key, job)
        first, second = parts(frame, job)
        text = whole_words(job, key)
        labels[frame.label] += 1
        assert first == text[: len(first)]
        if frame.label == 0:
            assert second == text[len(first) :]
            continue
        assert len(second) <= key.stop - key.start - len(first)
        others = {d for d, _ in places_of(second, job.store) if d != key.document}
        assert others
        documents |= others
    assert set(labels) == {0, 1}
    assert len(documents) > 10


@pytest.mark.parametrize("kind", ["next", "order"])
def test_either_class_has_chance_one_half(pair_job: MakeJob, kind: str) -> None:
    job = pair_job(kind=kind)
    labels = [frame_pair(key, job).label for key in keys_of(job, 250)]
    pairs = len(labels) - labels.count(None)
    assert pairs > 1900
    assert abs(labels.count(1) - pairs / 2) < 5 * math.sqrt(pairs / 4)


def test_a_pair_is_a_function_of_seed_epoch_and_sequence(pair_job: MakeJob) -> None:
    job, again, other = pair_job(kind="next"), pair_job(kind="next"), pair_job(kind="next", seed=1)
    key = SequenceKey(0, 3, *job.index.locate(np.array([3]))[0].tolist())
    later = SequenceKey(1, 3, key.document, key.start, key.stop)

    def ids(job: Job, key: SequenceKey) -> list[int]:
        return masked_sequence(job, key).ids_L.tolist()

    assert ids(job, key) == ids(again, key)
    assert len({tuple(ids(job, key)), tuple(ids(job, later)), tuple(ids(other, key))}) == 3


FAMILIES = ["bert", "roberta", "xlm-roberta", "mpnet", "deberta-v2", "albert", "modernbert"]


@pytest.mark.parametrize("family", FAMILIES)
def test_frame_and_token_types_are_the_tokenizers(
    load: Load, pair_job: MakeJob, family: str
) -> None:
    job, tokenizer = pair_job(family), load(family).tokenizer
    specials = job.masking.specials
    told = tokenizer("a", "a")
    bare = tokenizer("a", add_special_tokens=False)["input_ids"]
    between, suffix = [*specials.between], [*specials.suffix]
    assert told["input_ids"] == [*specials.prefix, *bare, *between, *bare, *suffix]
    typed = getattr(job.model.config, "type_vocab_size", 0) > 1
    pairs = 0
    for key in keys_of(job, 2):
        frame = frame_pair(key, job)
        if frame.label is None:
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


def test_a_sequence_of_one_word_is_no_pair(
    load: Load, make_store: MakeStore, session: Any, train_once: Callable[..., Any]
) -> None:
    loaded = load("bert")
    store = make_store(["the", "zyx", "quokka"], loaded.tokenizer, word_units())
    settings = TrainSection(steps=1, batch_size=3, max_seq_length=16, sentence_pairs="next")
    job = build_job(settings, loaded, store, np.arange(3), session)
    for key in keys_of(job, 1):
        frame = frame_pair(key, job)
        assert frame.label is None
        assert frame.token_types_L.tolist() == [0] * len(frame.ids_L)
        assert parts(frame, job) == [job.store.ids(key.document).tolist()]
    assert train_once(job, 0)[0]["sentence-pairs"] == (0.0, 0)
    assert float(head_of(job)[0].weight.grad.abs().max()) == 0.0


def test_next_is_refused_for_one_document(load: Load, make_store: MakeStore, session: Any) -> None:
    loaded = load("bert")
    store = make_store(TEXTS[:2], loaded.tokenizer, word_units())
    settings = TrainSection(steps=1, batch_size=3, max_seq_length=16, sentence_pairs="next")
    with pytest.raises(RecipeError, match="the training slice has one"):
        build_job(settings, loaded, store, np.arange(1), session)


def test_a_tokenizer_without_a_frame_for_pairs_is_refused(pair_job: MakeJob) -> None:
    job = pair_job()
    specials = replace(job.masking.specials, between=None)
    with pytest.raises(RecipeError, match="frames two texts in an unusual way"):
        prepare_objectives(replace(job, masking=replace(job.masking, specials=specials)))


def test_a_store_without_token_units_is_refused(
    load: Load, make_store: MakeStore, session: Any
) -> None:
    loaded = load("bert")
    store = make_store(TEXTS, loaded.tokenizer)
    for train in ({"sentence_pairs": "order"}, {"masking": "word"}):
        settings = TrainSection(steps=1, max_seq_length=16, **train)
        with pytest.raises(DataError, match="does not say where words begin"):
            build_job(settings, loaded, store, np.arange(30), session)


# --- the loss


def head_of(job: Job) -> nn.Module:
    return job.model.objective_heads["sentence-pairs"]


def brute_force(job: Job, step: int) -> tuple[float, float, dict[str, Tensor]]:
    """Both losses and the gradients of their sum, one sequence at a time, unpacked."""
    tokens: list[Tensor] = []
    pairs: list[Tensor] = []
    for key in global_batch(job.index, job.settings.seed, batch_places(job.settings, step)):
        item = masked_sequence(job, key)
        inputs = {"input_ids": torch.from_numpy(item.ids_L)[None]}
        if item.token_types_L is not None:
            inputs["token_type_ids"] = torch.from_numpy(item.token_types_L)[None]
        logits = job.model(**inputs).logits[0]
        for position, target in zip(item.positions_M, item.targets_M, strict=True):
            tokens.append(-logits[int(position)].log_softmax(dim=0)[int(target)])
        if item.label is not None:
            first = job.model.base_model(**inputs).last_hidden_state[:, 0]
            classes = head_of(job)(first)[0]
            pairs.append(-classes.log_softmax(dim=0)[item.label])
    losses = torch.stack(tokens).mean(), torch.stack(pairs).mean()
    job.model.zero_grad(set_to_none=True)
    sum(losses).backward()
    return float(losses[0].detach()), float(losses[1].detach()), gradients(job.model)


@pytest.mark.parametrize("layout", ["", "padded"])
@pytest.mark.parametrize("family", FAMILIES)
def test_both_losses_are_exact_means_over_the_step(
    pair_job: MakeJob, train_once: Callable[..., Any], family: str, layout: str
) -> None:
    kind = "next" if family == "bert" else "order"
    *expected, reference = brute_force(pair_job(family, kind, "padded"), 3)
    for micro in (1, 3, 8):
        job = pair_job(family, kind, layout, micro_batch_size=micro)
        losses, *_ = train_once(job)
        assert list(losses) == ["masked-lm", "sentence-pairs"]
        means = [total / count for total, count in losses.values()]
        assert means == pytest.approx(expected, rel=1e-5), micro
        assert worst(gradients(job.model), reference) < 1e-5, micro


def test_weights_scale_the_gradients_of_their_objective(
    pair_job: MakeJob, train_once: Callable[..., Any]
) -> None:
    found = []
    for weights in ([1, 0], [0, 1], [0.5, 2]):
        job = pair_job(objectives=dict(zip(["masked-lm", "sentence-pairs"], weights, strict=True)))
        train_once(job)
        found.append(gradients(job.model))
    expected = {name: 0.5 * found[0][name] + 2 * found[1][name] for name in found[2]}
    assert worst(found[2], expected) < 1e-5


def test_the_head_depends_on_the_seed_and_leaves_the_random_state(pair_job: MakeJob) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    heads = []
    for seed in (0, 0, 1):
        state = torch.get_rng_state()
        heads.append(head_of(pair_job(seed=seed))[0].weight)
        torch.set_rng_state(state)
    assert torch.equal(torch.rand(3), expected)
    assert torch.equal(heads[0], heads[1])
    assert not torch.equal(heads[0], heads[2])


def test_lengths_of_the_parts_do_not_tell_the_class(pair_job: MakeJob) -> None:
    job = pair_job(kind="next", max_seq_length=24)
    lengths: dict[int, list[int]] = {0: [], 1: []}
    for key in keys_of(job, 60):
        frame = frame_pair(key, job)
        if frame.label is not None:
            lengths[frame.label].append(len(parts(frame, job)[1]))
    means = [float(np.mean(found)) for found in lengths.values()]
    assert means[1] == pytest.approx(means[0], rel=0.1)

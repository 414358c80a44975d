"""Pairs of texts: what they are made of, how they are framed, and their exact loss."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from helpers.training import brute_force, gradients, worst

from domainbert.corpus.store import TokenStore
from domainbert.corpus.token_units import BEGINS_WORD, word_units
from domainbert.errors import RecipeError, UserError
from domainbert.model.load import LoadedModel
from domainbert.recipe.train import TrainSection
from domainbert.testing import sample_texts
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


def test_the_next_is_the_next_or_a_stretch_of_another_document(pair_job: MakeJob) -> None:
    job = pair_job(kind="next", max_seq_length=24)
    texts = [job.store.ids(document).tolist() for document in range(30)]
    lengths: dict[int, list[int]] = {0: [], 1: []}
    for key in keys_of(job, 125):
        frame = frame_pair(key, job)
        if frame.label is None:
            continue
        first, second = parts(frame, job)
        text = whole_words(job, key)
        lengths[frame.label].append(len(second))
        assert first == text[: len(first)]
        if frame.label == 0:
            assert second == text[len(first) :]
        else:
            assert len(second) <= key.stop - key.start - len(first)
            within = (str(second)[1:-1] in str(t) for n, t in enumerate(texts) if n != key.document)
            assert any(within)
    # Either class has chance 1/2, and the length of the second part does not tell it.
    pairs = sum(map(len, lengths.values()))
    assert pairs > 900
    assert abs(len(lengths[1]) - pairs / 2) < 5 * math.sqrt(pairs / 4)
    assert np.mean(lengths[1]) == pytest.approx(np.mean(lengths[0]), rel=0.1)


FAMILIES = ["bert", "roberta", "xlm-roberta", "mpnet", "deberta-v2", "albert", "modernbert"]


@pytest.mark.parametrize("family", FAMILIES)
def test_frame_and_token_types_are_the_tokenizers(pair_job: MakeJob, family: str) -> None:
    job = pair_job(family)
    specials = job.masking.specials
    between, suffix = [*specials.between], [*specials.suffix]
    typed = getattr(job.model.config, "type_vocab_size", 0) > 1
    frames = [frame for key in keys_of(job, 2) if (frame := frame_pair(key, job)).label is not None]
    assert len(frames) > 10
    for frame in frames:
        first, second = parts(frame, job)
        ids = [*specials.prefix, *first, *between, *second, *suffix]
        assert frame.ids_L.tolist() == ids
        assert len(ids) <= job.settings.max_seq_length
        ones = len(second) + len(suffix)
        types = [0] * (len(ids) - ones) + [1] * ones
        assert (frame.token_types_L.tolist() if typed else frame.token_types_L) == (
            types if typed else None
        )


def small_job(load: Load, make_store: MakeStore, session: Any, texts: list[str], **how: Any) -> Job:
    loaded = load("bert")
    units = None if how.pop("bare", False) else word_units()
    store = make_store(texts, loaded.tokenizer, units)
    settings = TrainSection(steps=1, batch_size=3, max_seq_length=16, **how)
    return build_job(settings, loaded, store, np.arange(len(texts)), session)


def test_a_sequence_of_one_word_is_no_pair(
    load: Load, make_store: MakeStore, session: Any, train_once: Callable[..., Any]
) -> None:
    job = small_job(load, make_store, session, ["the", "zyx", "quokka"], sentence_pairs="next")
    for key in keys_of(job, 1):
        frame = frame_pair(key, job)
        assert frame.label is None
        assert frame.token_types_L.tolist() == [0] * len(frame.ids_L)
        assert parts(frame, job) == [job.store.ids(key.document).tolist()]
    assert train_once(job, 0)[0]["sentence-pairs"] == (0.0, 0)
    assert not job.model.objective_heads["sentence-pairs"][0].weight.grad.any()


@pytest.mark.parametrize(
    ("how", "problem"),
    [
        ({"sentence_pairs": "next"}, "`next` needs two documents, and the training slice has one"),
        ({"sentence_pairs": "order", "bare": True}, "does not say where words begin"),
    ],
)
def test_a_corpus_without_pairs_or_words_is_refused(
    load: Load, make_store: MakeStore, session: Any, how: dict[str, Any], problem: str
) -> None:
    with pytest.raises(UserError, match=problem):
        small_job(load, make_store, session, TEXTS[:1], **how)


def test_a_tokenizer_without_a_frame_for_pairs_is_refused(pair_job: MakeJob) -> None:
    job = pair_job()
    specials = replace(job.masking.specials, between=None)
    with pytest.raises(RecipeError, match="frames two texts in an unusual way"):
        prepare_objectives(replace(job, masking=replace(job.masking, specials=specials)))


# --- the loss


@pytest.mark.parametrize("layout", ["", "padded"])
@pytest.mark.parametrize("family", FAMILIES)
def test_both_losses_are_exact_means_over_the_step(
    pair_job: MakeJob, train_once: Callable[..., Any], family: str, layout: str
) -> None:
    kind = "next" if family == "bert" else "order"
    expected, _, _, reference = brute_force(pair_job(family, kind, "padded"), 3)
    for micro in (1, 3, 8):
        job = pair_job(family, kind, layout, micro_batch_size=micro)
        losses, *_ = train_once(job)
        assert list(losses) == ["masked-lm", "sentence-pairs"]
        means = [total / count for total, count in losses.values()]
        assert means == pytest.approx(expected, rel=1e-5), micro
        assert worst(gradients(job.model), reference) < 1e-5, micro

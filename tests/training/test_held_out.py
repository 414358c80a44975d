from __future__ import annotations

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from domainbert.errors import DataError
from domainbert.model.load import LoadedModel
from domainbert.testing import FAMILIES, sample_texts
from domainbert.training.held_out import HeldOutScore, _token_words, hidden_words, measure_held_out

Load = Callable[[str], LoadedModel]
CPU = torch.device("cpu")
TEXT = st.text(st.characters(codec="utf-8"), max_size=200)


class Fake(nn.Module):
    """A masked language model that says the same at every position.

    Args:
        size: Of the vocabulary.
        favourite: Id that is preferred by `lead` nats over every other.
        lead: Zero makes all ids equally likely.
    """

    def __init__(self, size: int, favourite: int = 0, lead: float = 0.0) -> None:
        super().__init__()
        self.config = SimpleNamespace(model_type="fake")
        self.row = torch.zeros(size)
        self.row[favourite] = lead
        self.seen: list[Tensor] = []

    @property
    def base_model(self) -> Fake:
        return self

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Any:
        assert not self.training
        self.seen.append(torch.where(attention_mask.bool(), input_ids, -1))
        return SimpleNamespace(logits=self.row.expand(*input_ids.shape, -1))


def hidden_characters(text: str) -> int:
    return sum(end - start for start, end in hidden_words(text))


def test_hidden_words_golden() -> None:
    text = sample_texts(1)[0]
    assert [text[start:end] for start, end in hidden_words(text)] == HIDDEN


HIDDEN = ["on", ",", "by", "Nobody", "drew", "32", "the", "the"]


@pytest.mark.parametrize("family", FAMILIES)
def test_every_tokenizer_hides_the_same_characters(load: Load, family: str) -> None:
    texts = sample_texts(40)
    tokenizer = load(family).tokenizer
    for length in (128, 16):
        found = measure_held_out(Fake(len(tokenizer)), tokenizer, texts, length, CPU)
        assert found.characters == sum(map(hidden_characters, texts)), length
        assert found.documents == 40


def test_bits_and_accuracy_of_a_model_that_always_says_the_same(load: Load) -> None:
    tokenizer = load("bert").tokenizer
    word, lead, size = tokenizer.get_vocab()["the"], 3.0, len(tokenizer)
    texts = ["the"] * 3 + ["boat"]
    found = measure_held_out(Fake(size, word, lead), tokenizer, texts, 128, CPU)
    total = math.exp(lead) + size - 1
    nats = -3 * math.log(math.exp(lead) / total) - math.log(1 / total)
    bits = nats / math.log(2) / (3 * 3 + 4)
    assert found == HeldOutScore(pytest.approx(bits, rel=1e-6), 3 / 4, 4, 13, 4)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_model_sees_mask_tokens_and_nothing_of_a_hidden_word(load: Load, family: str) -> None:
    tokenizer = load(family).tokenizer
    text = sample_texts(1)[0]
    model = Fake(len(tokenizer))
    found = measure_held_out(model, tokenizer, [text], 128, CPU)
    (row,) = model.seen[0].tolist()
    plain = tokenizer(text)["input_ids"]
    assert len(row) - row.count(-1) == len(plain)
    changed = [place for place, token in enumerate(plain) if row[place] != token]
    assert len(changed) == found.tokens == row.count(tokenizer.mask_token_id)
    assert {row[place] for place in changed} == {tokenizer.mask_token_id}


@pytest.mark.parametrize("length", [8, 16, 40])
def test_windows_are_no_longer_than_asked_for_and_hide_every_hidden_token_once(
    load: Load, length: int
) -> None:
    tokenizer = load("bert").tokenizer
    texts = sample_texts(20)
    model = Fake(len(tokenizer))
    found = measure_held_out(model, tokenizer, texts, length, CPU)
    rows = [row for seen in model.seen for row in seen.tolist()]
    assert max(len(row) - row.count(-1) for row in rows) <= length
    assert sum(row.count(tokenizer.mask_token_id) for row in rows) == found.tokens
    assert found.tokens == measure_held_out(model, tokenizer, texts, 128, CPU).tokens


@pytest.mark.parametrize("training", [True, False])
def test_measuring_restores_the_mode_and_changes_no_weight(load: Load, training: bool) -> None:
    loaded = load("bert")
    model = loaded.model.train(training)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    first, second = (
        measure_held_out(model, loaded.tokenizer, sample_texts(5), 32, CPU) for _ in range(2)
    )
    assert model.training is training
    assert first == second
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize("texts", [[], ["\u200b"]])
def test_texts_without_a_token_are_refused(load: Load, texts: list[str]) -> None:
    with pytest.raises(DataError, match="held-out texts have no token"):
        measure_held_out(Fake(300), load("bert").tokenizer, texts, 16, CPU)


@st.composite
def spans(draw: st.DrawFn, gap: int) -> list[tuple[int, int]]:
    """Ascending ranges; with a negative gap they may repeat or overlap."""
    found: list[tuple[int, int]] = []
    start, end = 0, 0
    for _ in range(draw(st.integers(0, 12))):
        start = max(start, end + draw(st.integers(gap, 5)))
        end = max(end, start + draw(st.integers(0 if gap < 0 else 1, 5)))
        found.append((start, end))
    return found


@given(words=spans(0), offsets=spans(-4))
def test_token_words_equals_brute_force(
    words: list[tuple[int, int]], offsets: list[tuple[int, int]]
) -> None:
    expected = [any(max(start, a) < min(stop, b) for a, b in words) for start, stop in offsets]
    assert _token_words(words, offsets).tolist() == expected
    assert _token_words(words, offsets).dtype == np.bool_

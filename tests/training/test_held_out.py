from __future__ import annotations

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from domainbert.errors import DataError
from domainbert.model.load import LoadedModel
from domainbert.testing import FAMILIES, sample_texts
from domainbert.training.held_out import (
    RATE,
    HeldOutScore,
    hidden_tokens,
    measure_held_out,
    word_draws,
)

Load = Callable[[str], LoadedModel]
CPU = torch.device("cpu")


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

    def forward(self, input_ids: Tensor, attention_mask: Tensor, **_: Any) -> Any:
        assert not self.training
        self.seen.append(torch.where(attention_mask.bool(), input_ids, -1))
        return SimpleNamespace(logits=self.row.expand(*input_ids.shape, -1))


def hidden_words(text: str) -> list[tuple[int, int]]:
    words, draws = word_draws(text)
    return [
        word for word, draw in zip(words, draws, strict=True) if draw < RATE or draw == min(draws)
    ]


def test_hidden_words_golden() -> None:
    text = sample_texts(1)[0]
    words = [text[start:end] for start, end in hidden_words(text)]
    assert words == ["on", ",", "by", "Nobody", "drew", "32", "the", "the"]


@pytest.mark.parametrize("family", FAMILIES)
def test_every_tokenizer_hides_the_same_characters_in_windows_of_any_length(
    load: Load, family: str
) -> None:
    texts, tokenizer = sample_texts(40), load(family).tokenizer
    expected = sum(end - start for text in texts for start, end in hidden_words(text))
    for length in (128, 16):
        model = Fake(len(tokenizer))
        found = measure_held_out(model, tokenizer, texts, length, CPU)
        assert (found.characters, found.documents) == (expected, 40)
        rows = [row for seen in model.seen for row in seen.tolist()]
        assert max(len(row) - row.count(-1) for row in rows) <= length
        assert sum(row.count(tokenizer.mask_token_id) for row in rows) == found.tokens


def test_bits_and_accuracy_of_a_model_that_always_says_the_same(load: Load) -> None:
    tokenizer = load("bert").tokenizer
    word, lead, size = tokenizer.get_vocab()["the"], 3.0, len(tokenizer)
    texts = ["the"] * 3 + ["boat"]
    found = measure_held_out(Fake(size, word, lead), tokenizer, texts, 128, CPU)
    total = math.exp(lead) + size - 1
    nats = -3 * math.log(math.exp(lead) / total) - math.log(1 / total)
    bits = nats / math.log(2) / (3 * 3 + 4)
    assert found == HeldOutScore(pytest.approx(bits, rel=1e-6), 3 / 4, 4, 13, 4, 13)


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


@pytest.mark.parametrize("letters", [range(0x4E00, 0x4E40), range(0x0E01, 0x0E2F)], ids=str)
@pytest.mark.parametrize("length", [1, 2, 3])
def test_as_many_characters_are_hidden_by_tokens_of_several_words(
    letters: range, length: int
) -> None:
    texts = [
        "".join(chr(letters[(n * 7 + k * k) % len(letters)]) for k in range(60)) for n in range(200)
    ]
    spans = np.array([(k, k + length) for k in range(0, 60, length)])
    shares = [hidden_tokens(text, spans).mean() for text in texts]
    assert 0.13 < np.mean(shares) < 0.19
    assert min(shares) > 0


@pytest.mark.parametrize("texts", [[], ["\u200b"]])
def test_texts_without_a_token_are_refused(load: Load, texts: list[str]) -> None:
    with pytest.raises(DataError, match="held-out texts have no token"):
        measure_held_out(Fake(300), load("bert").tokenizer, texts, 16, CPU)

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from helpers.tasks import SETTINGS

from domainbert.errors import BaseModelError
from domainbert.plugin.domain import Window
from domainbert.tasks.pair_windows import long_pairs, longest_first, pair_windows, token_types
from domainbert.testing import FAMILIES

TokenizerOf = Callable[[str], Any]
WORDS = "the baker of the barn moved it in a garden by the river and the"


def text(count: int) -> str:
    return " ".join(WORDS.split()[:count])


@pytest.mark.parametrize("family", FAMILIES)
def test_ids_and_types_are_those_of_the_tokenizer(tokenizer_of: TokenizerOf, family: str) -> None:
    tokenizer = tokenizer_of(family)
    pairs = [(text(a), text(b)) for a in range(1, 15, 2) for b in range(1, 16, 2)]
    windows = pair_windows(pairs, tokenizer, SETTINGS)
    for window, (first, second) in zip(windows, pairs, strict=True):
        made = tokenizer(first, second, truncation="longest_first", max_length=16)
        assert list(window.input_ids) == made["input_ids"]
        assert list(window.token_types) == made.get("token_type_ids", [])


def test_the_longer_text_is_cut_first_as_the_tokenizer_does(tokenizer_of: TokenizerOf) -> None:
    tokenizer = tokenizer_of("bert")
    for first in range(1, 15):
        for second in range(1, 15):
            for length in (8, 9, 13):
                made = tokenizer(
                    "the " * first, "the " * second, truncation="longest_first", max_length=length
                )
                sides = made.sequence_ids()
                assert longest_first(first, second, length - 3) == (sides.count(0), sides.count(1))


def test_windows_read_all_of_the_longer_text_beside_the_other(tokenizer_of: TokenizerOf) -> None:
    tokenizer = tokenizer_of("bert")
    settings = SETTINGS.model_copy(update={"long_texts": "window"})
    long, short = text(15) + " candle " * 9, "the baker"
    mark, end = tokenizer.cls_token_id, tokenizer.sep_token_id

    def ids(words: str) -> list[int]:
        return list(tokenizer(words, add_special_tokens=False)["input_ids"])

    for swapped in (False, True):
        pair = (short, long) if swapped else (long, short)
        windows = pair_windows([("a", "a"), pair], tokenizer, settings)[1:]
        read: list[int] = []
        for window in windows:
            assert (window.input_ids[0], window.input_ids[-1], window.record) == (mark, end, 1)
            place = window.input_ids.index(end)
            parts = [list(window.input_ids[1:place]), list(window.input_ids[place + 1 : -1])]
            assert parts[0 if swapped else 1] == ids(short)
            assert window.token_types == (0,) * (place + 1) + (1,) * (len(parts[1]) + 1)
            read += parts[1 if swapped else 0]
        assert read == ids(long)
        assert sum(window.weight for window in windows) == pytest.approx(1)
    assert max(len(window.input_ids) for window in windows) == 16


def test_of_two_long_texts_half_a_window_of_one_is_kept(tokenizer_of: TokenizerOf) -> None:
    settings = SETTINGS.model_copy(update={"long_texts": "window", "max_seq_length": 15})
    windows = pair_windows([("the " * 20, "a " * 30)], tokenizer_of("bert"), settings)
    firsts = [window.token_types.count(0) - 2 for window in windows]
    assert (firsts, len(windows)) == ([6] * 5, 5)


def test_a_literal_special_token_is_text(tokenizer_of: TokenizerOf) -> None:
    tokenizer = tokenizer_of("bert")
    (window,) = pair_windows([("the [SEP]", "a barn")], tokenizer, SETTINGS)
    assert window.input_ids.count(tokenizer.sep_token_id) == 2


def test_long_pairs_are_counted(tokenizer_of: TokenizerOf) -> None:
    pairs = [("the " * 6, "the " * 7), ("the " * 7, "the " * 7), ("the", "the")]
    assert long_pairs(pairs, tokenizer_of("bert"), 16) == [False, True, False]


def test_a_tokenizer_without_a_frame_for_pairs_is_refused(
    tokenizer_of: TokenizerOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    from domainbert.tasks import pair_windows as module

    known = module.special_tokens
    monkeypatch.setattr(module, "special_tokens", lambda t: replace(known(t), between=None))
    with pytest.raises(BaseModelError, match="frames pairs of texts in an unknown way"):
        pair_windows([("a", "a")], tokenizer_of("bert"), SETTINGS)


class _Model:
    """All that `token_types` asks of a model."""

    def __init__(self, n_types: int) -> None:
        self.encoder = self.config = self
        self.type_vocab_size = n_types


@pytest.mark.parametrize(
    ("n_types", "types"), [(0, None), (1, None), (2, [[0, 0, 1, 1], [0, 1, 0, 0]])]
)
def test_types_go_to_models_that_have_them(n_types: int, types: Any) -> None:
    windows = [
        Window(0, (2, 3, 4, 3), token_types=(0, 0, 1, 1)),
        Window(1, (2, 3), token_types=(0, 1)),
    ]
    made = token_types(_Model(n_types), torch.zeros(2, 4, dtype=torch.long), windows)
    assert (made if made is None else made.tolist()) == types

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from helpers.tasks import SETTINGS, labelled
from hypothesis import given, settings
from hypothesis import strategies as st

from domainbert.plugin.domain import Prediction
from domainbert.plugin.records import Sentence
from domainbert.tasks.kinds.tagging import TAGGING, word_windows
from domainbert.testing import FAMILIES
from domainbert.tokenizer.load import encode_with_offsets

TokenizerOf = Callable[[str], Any]
# Words that a tokenizer cuts into many pieces, maps to unknown, or drops.
ODD = ["Zb,", "qz-12", "x" * 15, "\u200b", "\u6f22\u5b57", "\U0001f642", "10\u00a0mg", "na\u00efve"]
WORD = st.sampled_from(["the", "boat", "On", ",", *ODD]) | st.text(
    "abXY09.-", min_size=1, max_size=9
)
SENTENCES = st.lists(st.lists(WORD, min_size=1, max_size=25), min_size=1, max_size=3)


def room(n: int) -> Any:
    return SETTINGS.model_copy(update={"max_seq_length": n})


def sentence(words: list[str]) -> Sentence:
    return Sentence(tuple(words), ("O",) * len(words))


def pieces(words: list[str], tokenizer: Any) -> list[tuple[list[int], list[int]]]:
    """Ids of each word, by looking at every token: those on its characters; with blanks before.

    Some tokenizers make the blank before a word a separate token. It may count as part of the
    word or not; it is part of what the model reads.
    """
    ((ids, offsets),) = encode_with_offsets(tokenizer, [" ".join(words)])
    found = []
    start, before = 0, -1
    for word in words:
        end = start + len(word)
        on = [i for i, (a, b) in zip(ids, offsets, strict=True) if max(a, start) < min(b, end)]
        near = [i for i, (a, _) in zip(ids, offsets, strict=True) if before <= a < end]
        found.append((on, near))
        start, before = end + 1, end
    return found


@pytest.mark.parametrize("family", FAMILIES)
@given(words_of=SENTENCES, max_length=st.integers(8, 30))
@settings(max_examples=12, deadline=None)
def test_every_word_with_a_token_is_scored_once_at_its_first_piece(
    tokenizer_of: TokenizerOf, family: str, words_of: list[list[str]], max_length: int
) -> None:
    tokenizer = tokenizer_of(family)
    windows = word_windows([sentence(words) for words in words_of], tokenizer, room(max_length))
    assert all(len(window.input_ids) <= max_length for window in windows)
    owned = Counter((window.record, word) for window in windows for word in window.words)
    assert set(owned.values()) <= {1}
    capacity = max_length - 2
    for number, words in enumerate(words_of):
        for word, (on, near) in enumerate(pieces(words, tokenizer)):
            if on:
                assert owned[number, word] == 1
            if not near:
                assert owned[number, word] == 0
            for window in windows:
                if window.record == number and word in window.words:
                    place = window.positions[window.words.index(word)]
                    shown = list(window.input_ids[place:])
                    cut = [ids[:capacity] for ids in (on, near)]
                    assert any(shown[: len(ids)] == ids for ids in cut)


def test_words_go_to_the_window_that_shows_most_around_them(tokenizer_of: TokenizerOf) -> None:
    windows = word_windows([sentence(["boat"] * 20)], tokenizer_of("bert"), room(10))
    # Eight words a window; the next begins two before the end of the one before.
    assert [len(window.input_ids) for window in windows] == [10, 10, 10]
    assert [window.words for window in windows] == [
        tuple(range(7)), tuple(range(7, 13)), tuple(range(13, 20)),
    ]  # fmt: skip
    assert [window.positions[0] for window in windows] == [1, 2, 2]


def test_records_of_another_shape_are_refused() -> None:
    task, expected = labelled("tagging", "X"), "expected O, B-TYPE or I-TYPE (IOB2)"
    assert TAGGING.check(Sentence(("a", "b"), ("O", "I-X")), task) == ""
    assert TAGGING.check(Sentence(("a", "b"), ("O",)), task) == "2 words, 1 tags"
    odd = "as many gold tags, predicted tags and words were expected"
    assert TAGGING.misfit(Prediction(("O",), ("O", "O")), task) == odd
    assert TAGGING.check(Sentence((), ()), task) == "no word; leave such a sentence out"
    assert TAGGING.check(Sentence(("a",), ("S-X",)), task) == f"tag 'S-X'; {expected}"

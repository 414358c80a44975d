"""Where words and terms begin, for every family of tokenizers."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domainbert.corpus.token_units import (
    BEGINS_TERM,
    BEGINS_WORD,
    IN_TERM,
    LONGEST_WORD,
    TokenUnits,
    term_units,
    word_units,
)
from domainbert.testing import FAMILIES
from domainbert.testing.tiny import tiny_tokenizer
from domainbert.tokenizer.load import encode_with_offsets, encode_with_units

TEXT = "the quokka isn't here\n2.5-mg doses, Öl a_b (widows)"
WORDS = re.findall(r"\w+|[^\w\s]", TEXT)


@cache
def tokenizer_of(family: str) -> Any:
    return tiny_tokenizer(family)


def flags_of(family: str, text: str, wanted: TokenUnits) -> tuple[Any, list[tuple[int, int]]]:
    tokenizer = tokenizer_of(family)
    ((_, flags_L),) = encode_with_units(tokenizer, [text], wanted.flags)
    ((_, offsets),) = encode_with_offsets(tokenizer, [text])
    assert len(flags_L) == len(offsets)
    return flags_L, offsets


def units(family: str, text: str, wanted: TokenUnits, flag: int = BEGINS_WORD) -> list[str]:
    """The text of the tokens from each flagged one up to the next, without blank units."""
    flags_L, offsets = flags_of(family, text, wanted)
    begins = np.flatnonzero(flags_L & flag).tolist()
    inside = (flags_L & IN_TERM > 0) | (flag == BEGINS_WORD)
    found = []
    for first, stop in zip(begins, [*begins[1:], len(offsets)], strict=True):
        end = max(offsets[n][1] for n in range(first, stop) if inside[n])
        found.append(text[offsets[first][0] : end].strip())
    return [unit for unit in found if unit]


@pytest.mark.parametrize("family", FAMILIES)
def test_words_are_those_of_the_text_whatever_the_tokenizer(family: str) -> None:
    assert units(family, TEXT, word_units()) == WORDS


@pytest.mark.parametrize("family", ["bert", "roberta", "deberta-v2", "modernbert", "xlm-roberta"])
# So few that no word has more tokens than are kept together.
@given(text=st.text(st.sampled_from("ab Öé'.-_\n漢🙂\u0301"), min_size=1, max_size=7))
def test_no_word_is_in_two_units(family: str, text: str) -> None:
    flags_L, offsets = flags_of(family, text, word_units())
    unit_of: dict[int, set[int]] = {}
    for unit, span in zip(np.cumsum(flags_L & BEGINS_WORD).tolist(), offsets, strict=True):
        for place in range(*span):
            if not text[place].isspace():
                unit_of.setdefault(place, set()).add(unit)
    # Tokens of one character, as bytes, are of one unit; so are neighbours inside of a word.
    assert all(len(found) == 1 for found in unit_of.values())
    for place in unit_of.keys() & {place - 1 for place in unit_of}:
        if text[place : place + 2].isalnum() and text[place : place + 2].isascii():
            assert unit_of[place] == unit_of[place + 1]


@pytest.mark.parametrize(
    ("family", "text", "expected"),
    [
        # A line end is a unit.
        ("roberta", "a\nb", [1, 1, 1]),
        # A lone mark of a blank belongs to the word behind it: ▁the ▁ q u ▁ q u.
        ("deberta-v2", "the qu qu", [1, 1, 0, 0, 1, 0, 0]),
        # A run of many tokens is cut.
        ("bert", "gattaca" * 5, ([1] + [0] * (LONGEST_WORD - 1)) * 2 + [1, 0, 0]),
    ],
)
def test_words_of_hand_made_examples(family: str, text: str, expected: list[int]) -> None:
    assert flags_of(family, text, word_units())[0].tolist() == expected


TERMS = ["heart failure", "heart", "beta-blocker", "ISN", "unheard of"]
SENTENCE = "A Heart\nfailure of hearts, heart (Beta-Blocker) isn't beta - blocker heart failure"


@pytest.mark.parametrize("family", FAMILIES)
def test_terms_are_found_at_words_in_any_case_the_longest_first(family: str) -> None:
    assert units(family, SENTENCE, term_units(TERMS), BEGINS_TERM) == [
        "Heart\nfailure",
        "heart",
        "Beta-Blocker",
        "isn",
        "heart failure",
    ]
    assert units(family, SENTENCE, term_units(TERMS)) == units(family, SENTENCE, word_units())


def test_a_term_takes_in_the_whole_of_a_token_that_it_shares() -> None:
    # One token over "b-" and the term "b": what it covers beside the term goes with it.
    flags_L = term_units(["b"]).flags("a b- c", [(0, 1), (1, 4), (4, 6)], [0, 1, 2])
    assert flags_L.tolist() == [1, 7, 1]

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


def units(family: str, text: str, wanted: TokenUnits, flag: int = BEGINS_WORD) -> list[str]:
    """The text of the tokens from each flagged one up to the next, without blank units."""
    tokenizer = tokenizer_of(family)
    ((ids, flags_L),) = encode_with_units(tokenizer, [text], wanted.flags)
    ((_, offsets),) = encode_with_offsets(tokenizer, [text])
    assert len(ids) == len(flags_L) == len(offsets)
    begins = np.flatnonzero(flags_L & flag).tolist()
    found = []
    for first, stop in zip(begins, [*begins[1:], len(ids)], strict=True):
        inside = [
            number
            for number in range(first, stop)
            if flag == BEGINS_WORD or flags_L[number] & IN_TERM
        ]
        found.append(text[offsets[first][0] : max(offsets[n][1] for n in inside)].strip())
    return [unit for unit in found if unit]


@pytest.mark.parametrize("family", FAMILIES)
def test_words_are_those_of_the_text_whatever_the_tokenizer(family: str) -> None:
    assert units(family, TEXT, word_units()) == WORDS


@pytest.mark.parametrize("family", ["bert", "roberta", "modernbert"])
def test_an_ideograph_is_a_word_and_a_combining_mark_is_none(family: str) -> None:
    text = "漢字 q\u0301a की a漢b"
    expected = ["漢", "字", "q\u0301a", "की", "a", "漢", "b"]
    assert units(family, text, word_units()) == expected


@pytest.mark.parametrize("family", ["bert", "roberta", "deberta-v2", "modernbert", "xlm-roberta"])
# So few that no word has more tokens than are kept together.
@given(text=st.text(st.sampled_from("ab Öé'.-_\n漢🙂\u0301"), min_size=1, max_size=7))
def test_no_word_is_in_two_units(family: str, text: str) -> None:
    tokenizer = tokenizer_of(family)
    ((_, flags_L),) = encode_with_units(tokenizer, [text], word_units().flags)
    ((_, offsets),) = encode_with_offsets(tokenizer, [text])
    unit_of: dict[int, set[int]] = {}
    unit = -1
    for number, (start, stop) in zip(flags_L.tolist(), offsets, strict=True):
        unit += number & BEGINS_WORD
        for place in range(start, stop):
            if not text[place].isspace():
                unit_of.setdefault(place, set()).add(unit)
    # Tokens of one character, as bytes, are of one unit; so are neighbours inside of a word.
    assert all(len(found) == 1 for found in unit_of.values())
    for place in sorted(unit_of):
        pair = text[place : place + 2]
        if place + 1 in unit_of and pair.isalnum() and pair.isascii():
            assert unit_of[place] == unit_of[place + 1]


@pytest.mark.parametrize("family", ["roberta", "modernbert"])
def test_a_line_end_is_a_unit_of_its_own(family: str) -> None:
    ((_, flags_L),) = encode_with_units(tokenizer_of(family), ["a\nb"], word_units().flags)
    assert flags_L.tolist() == [BEGINS_WORD] * 3


def test_a_lone_mark_of_a_blank_belongs_to_the_word_behind_it() -> None:
    tokenizer = tokenizer_of("deberta-v2")
    ((ids, flags_L),) = encode_with_units(tokenizer, ["the qu qu"], word_units().flags)
    assert tokenizer.convert_ids_to_tokens(ids) == ["▁the", "▁", "q", "u", "▁", "q", "u"]
    assert flags_L.tolist() == [1, 1, 0, 0, 1, 0, 0]


def test_a_run_of_many_tokens_is_cut() -> None:
    ((_, flags_L),) = encode_with_units(
        tokenizer_of("bert"), ["a " + "gattaca" * 5 + " a"], word_units().flags
    )
    assert np.flatnonzero(flags_L).tolist() == [0, 1, 1 + LONGEST_WORD, 1 + 2 * LONGEST_WORD, 36]


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


def test_flags_of_a_hand_made_example() -> None:
    ((_, flags_L),) = encode_with_units(
        tokenizer_of("bert"), ["the heart failure of the"], term_units(TERMS).flags
    )
    begins, first, inside = BEGINS_WORD, BEGINS_WORD | BEGINS_TERM | IN_TERM, IN_TERM
    word = BEGINS_WORD | IN_TERM
    # `he` is an entry of its own.
    heart, failure = [first, *[inside] * 3], [word, *[inside] * 6]
    assert flags_L.tolist() == [begins, *heart, *failure, begins, begins]


def test_a_term_takes_in_the_whole_of_a_token_that_it_shares() -> None:
    # One token over "b-" and the term "b": what it covers beside the term goes with it.
    flags_L = term_units(["b"]).flags("a b- c", [(0, 1), (1, 4), (4, 6)], [0, 1, 2])
    assert flags_L.tolist() == [1, 7, 1]
    # Two terms in one token are one unit.
    flags_L = term_units(["b", "c"]).flags("a b-c d", [(0, 1), (1, 5), (5, 7)], [0, 1, 2])
    assert flags_L.tolist() == [1, 7, 1]


def test_the_name_tells_the_terms_but_not_how_they_are_written() -> None:
    names = {term_units(t).name for t in (["a b", "c"], ["C", "A  B", "", "c"], ["a", "b c"])}
    assert len(names) == 2
    assert word_units().name == "words"


def test_a_text_without_tokens_has_no_flags_L() -> None:
    assert term_units(["a"]).flags(" ", [], []).tolist() == []

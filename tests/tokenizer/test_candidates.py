from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from domainbert.tokenizer.candidates import is_suitable, sort_terms

Find = Callable[..., Any]


def test_mined_words_are_frequent_and_terms_need_only_occur(candidates: Find) -> None:
    counts = {"quokka": 7, "zebra": 2, "the": 50, ",": 9, "x°c": 8, "1984": 9, "wombats": 1}
    found = candidates(counts, ("wombats", "zebra fish", "unheard"), 5)
    assert found.counts == {"quokka": 7, "wombats": 1, "zebra": 2}
    assert found.term_words == {"wombats", "zebra"}
    assert found.pieces["zebra"] == ("z", "##e", "##b", "##r", "##a")


def test_long_words_are_no_words_unless_they_are_terms(candidates: Find) -> None:
    counts = {"q" * 41: 9, "q" * 40: 9, "z" * 98: 9, "w" * 100: 9}
    assert sorted(map(len, candidates(counts).pieces)) == [40]
    assert sorted(map(len, candidates(counts, tuple(counts)).pieces)) == [40, 41, 98]


@pytest.mark.parametrize("word", ["quokka", "p53", "β", "2b", "q" * 99])
def test_words_with_a_letter_may_become_entries(plain: Any, word: str) -> None:
    assert is_suitable(plain, word)


@pytest.mark.parametrize("word", ["", "1984", "x°c", "-", "_", "q\ue000", "q" * 100])
def test_other_words_may_not(plain: Any, word: str) -> None:
    assert not is_suitable(plain, word)


def test_terms_are_counted_and_none_is_an_error(plain: Any) -> None:
    usable = ["quokka", "the quokka"]
    whole = ["boat", "the boat", "##ab"]  # the last is # and # and ab
    others = ["Quokka", "unheard", "é", "boat é", "[MASK]"]  # this tokenizer keeps case
    repeated_or_blank = ["quokka ", "the  quokka", "quok\x00ka", "quok\u200bka", "", " \t"]
    found, counts = sort_terms(plain, usable + whole + others + repeated_or_blank, {"quokka"})
    assert found == {"quokka"}
    assert counts == {"read": 16, "distinct": 10, "usable": 2, "whole": 3}

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from domainbert.tokenizer.candidates import is_suitable, sort_terms
from domainbert.tokenizer.wordpiece import open_words

Find = Callable[..., Any]
COUNTS = {"quokka": 7, "zebra": 2, "the": 50, ",": 9, "x\u00b0c": 8, "1984": 9, "wombats": 1}


def test_mined_words_are_frequent_and_terms_need_only_occur(candidates: Find) -> None:
    found = candidates(COUNTS, ("wombats", "zebra fish", "unheard"), 5)
    assert list(found.pieces) == ["quokka", "wombats", "zebra"]
    assert found.counts == {"quokka": 7, "wombats": 1, "zebra": 2}
    assert found.term_words == {"wombats", "zebra"}
    assert found.pieces["zebra"] == ("z", "##e", "##b", "##r", "##a")


def test_long_words_are_no_words_unless_they_are_terms(candidates: Find) -> None:
    counts = {"q" * 41: 9, "q" * 40: 9, "z" * 98: 9, "w" * 100: 9}
    assert sorted(map(len, candidates(counts).pieces)) == [40]
    assert sorted(map(len, candidates(counts, tuple(counts)).pieces)) == [40, 41, 98]


@pytest.mark.parametrize(
    ("word", "suitable"),
    [
        ("quokka", True), ("p53", True), ("β", True), ("2b", True), ("", False), ("1984", False),
        ("x°c", False), ("-", False), ("_", False), ("q\ue000", False), ("q" * 99, True),
        ("q" * 100, False),
    ],
)  # fmt: skip
def test_what_may_become_an_entry(plain: Any, word: str, suitable: bool) -> None:
    assert is_suitable(open_words(plain), word) is suitable


TERMS = {
    "quokka": "usable",
    "Quokka": "absent",  # this tokenizer keeps case
    "quokka ": "duplicate",
    "the quokka": "usable",
    "the  quokka": "duplicate",
    "boat": "whole",
    "the boat": "whole",
    "unheard": "absent",
    "": "blank",
    " \t": "blank",
    "quok\x00ka": "control",
    "quok\u200bka": "control",
    "[MASK]": "special",
    "a [SEP] b": "special",
    "##ab": "whole",  # read as text: # and # and ab
    "é": "unknown",
    "boat é": "unknown",
}


def test_every_term_has_one_fate(plain: Any) -> None:
    found, fates = sort_terms(open_words(plain), TERMS, {"quokka", "zebra"})
    expected = Counter(TERMS.values())
    assert fates == {"read": len(TERMS)} | {
        fate: expected.get(fate, 0)
        for fate in (
            "usable",
            "absent",
            "whole",
            "unknown",
            "duplicate",
            "blank",
            "control",
            "special",
        )
    }
    assert found == {"quokka"}

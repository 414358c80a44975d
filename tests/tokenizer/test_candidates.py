from __future__ import annotations

from collections.abc import Callable
from typing import Any

Find = Callable[..., Any]


def test_mined_words_are_frequent_and_terms_need_only_occur(candidates: Find) -> None:
    counts = {"quokka": 7, "zebra": 2, "the": 50, ",": 9, "x°c": 8, "1984": 9, "wombats": 1}
    found = candidates(counts, ("wombats", "zebra fish", "unheard"), 5)
    assert found.counts == {"quokka": 7, "wombats": 1, "zebra": 2}
    assert found.term_words == {"wombats", "zebra"}
    assert found.pieces["zebra"] == ("z", "##e", "##b", "##r", "##a")

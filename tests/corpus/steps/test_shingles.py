from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from domainbert.corpus.steps.shingles import jaccard, shingles, window_hashes, word_hashes

TEXTS = st.lists(st.sampled_from(["a", "b", "c", "7"]), max_size=12).map(" ".join)


def test_case_and_signs_do_not_count_and_numbers_do() -> None:
    one = word_hashes("The pump, model 7, LEAKS.").tolist()
    assert one == word_hashes("the pump model 7 leaks").tolist()
    assert one != word_hashes("the pump model 8 leaks").tolist()
    assert word_hashes("Die Größe").tolist() == word_hashes("die GRÖSSE!").tolist()
    assert len(word_hashes("漏水しています")) > 1


def test_hashes_are_the_same_on_every_machine() -> None:
    assert word_hashes("pump").tolist() == [4392929317953479902]


@given(TEXTS, st.integers(1, 5))
def test_windows_are_equal_where_the_words_are(text: str, size: int) -> None:
    words = text.split()
    runs = [tuple(words[n : n + size]) for n in range(len(words) - size + 1)]
    hashes = window_hashes(word_hashes(text), size).tolist()
    assert len(hashes) == len(runs)
    assert len(set(hashes)) == len(set(runs))
    of_run = dict(zip(runs, hashes, strict=True))
    assert [of_run[run] for run in runs] == hashes


@given(TEXTS, TEXTS)
def test_jaccard_is_that_of_the_sets_of_runs(one: str, other: str) -> None:
    def runs(text: str) -> set[tuple[str, ...]]:
        words = text.split()
        size = min(2, max(1, len(words)))
        return {tuple(words[n : n + size]) for n in range(len(words) - size + 1)}

    a, b = runs(one), runs(other)
    expected = len(a & b) / len(a | b) if a | b else 0.0
    assert np.isclose(jaccard(shingles(one, 2), shingles(other, 2)), expected)

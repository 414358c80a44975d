from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domainbert.errors import DataError
from domainbert.tokenizer.candidates import Candidates
from domainbert.tokenizer.load import encode_texts
from domainbert.tokenizer.select import Chosen, choose_entries

Find = Callable[..., Candidates]
COUNTS = st.dictionaries(
    st.text("abzyq", min_size=1, max_size=6), st.integers(1, 9), min_size=1, max_size=12
)


def choose(found: Candidates, size: int | None = None, gain: float = 0.0) -> Chosen:
    return choose_entries(found, "##", size, gain)


def tokens(tokenizer: Any, counts: dict[str, int]) -> int:
    rows = encode_texts(tokenizer, list(counts))
    return sum(count * len(row) for count, row in zip(counts.values(), rows, strict=True))


def test_entries_are_added_while_each_saves_enough(candidates: Find) -> None:
    found = candidates({"quail": 30, "zebras": 20, "moth": 1, "the": 1_000_000 - 274})
    assert found.tokens == 1_000_000
    assert [e.text for e in choose(found, None, 100)[0]] == ["quail", "zebras"]
    assert [e.text for e in choose(found, None, 101)[0]] == ["quail"]
    assert len(choose(found, None, 3)[0]) == 3


def test_nothing_to_choose_is_refused(candidates: Find) -> None:
    with pytest.raises(DataError, match="No entry saves 1 tokens per million"):
        choose(candidates({"moth": 1, "the": 10**7}), None, 1)


@given(counts=COUNTS, size=st.integers(1, 6))
def test_savings_are_exact(
    candidates: Find, extend: Callable[..., Any], plain: Any, counts: dict[str, int], size: int
) -> None:
    if not candidates(counts).pieces:
        return
    extended, extension = extend(counts, size)
    before, after = tokens(plain, counts), tokens(extended, counts)
    saved = sum(entry.saved for entry in extension.entries)
    assert (extension.tokens, saved) == (before, before - after)
    assert len(extension.entries) <= size
    assert all(entry.saved > 0 for entry in extension.entries)


@given(counts=COUNTS, size=st.integers(1, 2))
def test_the_choice_is_nearly_the_best(candidates: Find, counts: dict[str, int], size: int) -> None:
    found = candidates(counts)
    if not found.pieces:
        return
    options: dict[str, dict[str, int]] = {}
    for word, pieces in found.pieces.items():
        for number in range(len(pieces) - 1):
            end = "##" + "".join(piece.removeprefix("##") for piece in pieces[number:])
            options.setdefault(end if number else word, {})[word] = len(pieces) - 1 - number
    best = max(
        sum(n * max(options[e].get(word, 0) for e in group) for word, n in found.counts.items())
        for group in itertools.combinations(options, min(size, len(options)))
    )
    entries, _ = choose(found, size)
    saved = sum(entry.saved for entry in entries)
    assert saved == best if size == 1 else 0.63 * best <= saved <= best
    assert choose(candidates(dict(reversed(counts.items()))), size)[0] == entries

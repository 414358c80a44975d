"""Tokens, words, spans and terms: each definition on an example, and what holds for all."""

from __future__ import annotations

import math
from collections import Counter
from itertools import groupby

import numpy as np
import pytest
from helpers.training import mask_text
from hypothesis import given
from hypothesis import strategies as st

from domainbert.corpus.token_units import BEGINS_TERM, BEGINS_WORD, IN_TERM
from domainbert.tokenizer.load import SpecialTokens
from domainbert.training.data.frame import Frame, frame_parts
from domainbert.training.data.masking import (
    TERM_LIMIT,
    Masking,
    MaskingConfig,
    mask_frame,
)

VOCABULARY = 1000
PAD, UNKNOWN, CLS, SEP, MASK = range(5)
SPECIALS = SpecialTokens((CLS,), (SEP,), MASK, PAD, (0, 1, 2, 3, 4), between=(SEP,))
UNITS: list[Masking] = ["token", "word", "span", "term"]
SEQUENCES = 2000


def flags(words: str) -> np.ndarray:
    """Flags from a picture: a letter begins a word, `-` goes on, capitals and `=` are of terms.

    Behind a term begins a word; a term of two words is `A=B=`, two terms of one word are `A= A=`.
    """
    marks, inside = [], False
    for character in words:
        term = character.isupper() or character == "="
        if character != " ":
            flag = (character.isalpha() and BEGINS_WORD) | (term and IN_TERM)
            marks.append(int(flag | (BEGINS_TERM if term and not inside else 0)))
        inside = term
    return np.array(marks, dtype=np.uint8)


def masked(
    marks: np.ndarray, unit: Masking, rate: float = 0.15, sequence: int = 0, share: float = 0.5
) -> Frame:
    how = MaskingConfig(rate, 0, SPECIALS, VOCABULARY, unit, share)
    return mask_text(np.arange(5, 5 + len(marks)), how, 0, sequence, marks)


def hidden(found: Frame) -> set[int]:
    """Places in the text, the frame not counted."""
    return {int(position) - 1 for position in found.positions_M}


def fates(found: Frame) -> dict[int, str]:
    inputs = found.ids_L
    return {
        int(p) - 1: "mask" if inputs[p] == MASK else "kept" if inputs[p] == t else "other"
        for p, t in zip(found.positions_M, found.targets_M, strict=True)
    }


def within(count: float, n: int, probability: float) -> bool:
    """Whether a count is within five standard deviations of a binomial's mean."""
    return abs(count - n * probability) <= 5 * math.sqrt(n * probability * (1 - probability))


def words_of(marks: np.ndarray) -> list[list[int]]:
    number = np.cumsum(marks & BEGINS_WORD)
    return [list(group) for _, group in groupby(range(len(marks)), lambda place: number[place])]


# --- tokens


def test_first_sequence_golden() -> None:
    found = mask_text(np.arange(10, 30), MaskingConfig(0.3, 0, SPECIALS, VOCABULARY))
    assert found.ids_L.tolist() == [
        2, 10, 4, 12, 13, 705, 4, 16, 4, 18, 19, 20, 21, 4, 4, 24, 25, 4, 27, 28, 29, 3,
    ]  # fmt: skip
    assert found.positions_M.tolist() == [1, 2, 5, 6, 8, 13, 14, 17]
    assert found.targets_M.tolist() == [10, 11, 14, 15, 17, 22, 23, 26]


@pytest.mark.parametrize("changed", [0, 1, 2])
def test_another_seed_epoch_or_sequence_has_other_masks(changed: int) -> None:
    found = set()
    for number in range(100):
        seed, epoch, sequence = (number if place == changed else 0 for place in range(3))
        how = MaskingConfig(0.15, seed, SPECIALS, VOCABULARY)
        found.add(tuple(mask_text(np.arange(5, 105), how, epoch, sequence).positions_M.tolist()))
    assert len(found) == 100


@pytest.mark.parametrize("rate", [0.15, 0.4])
def test_rate_and_fates_of_tokens(rate: float) -> None:
    counts: Counter[str] = Counter()
    places: Counter[int] = Counter()
    for sequence in range(SEQUENCES):
        found = fates(masked(np.ones(100, dtype=np.uint8), "token", rate, sequence))
        places.update(list(found))
        counts.update(found.values())
    total = sum(counts.values())
    assert within(total, SEQUENCES * 100, rate)
    assert all(within(places[place], SEQUENCES, rate) for place in range(100))
    # A replacement is, once in the number of ordinary ids, the token itself.
    same = 0.1 / (VOCABULARY - 5)
    expected = {"mask": 0.8, "other": 0.1 - same, "kept": 0.1 + same}
    assert all(within(counts[fate], total, share) for fate, share in expected.items())


# --- words


def test_all_tokens_of_a_word_are_hidden_or_none_and_words_as_often_as_the_rate() -> None:
    marks = flags("ab---c-de--")
    counts: Counter[int] = Counter()
    for sequence in range(SEQUENCES):
        found = hidden(masked(marks, "word", 0.3, sequence))
        for number, word in enumerate(words_of(marks)):
            assert found.issuperset(word) or found.isdisjoint(word)
            counts[number] += word[0] in found
    # Where no word was drawn, one is hidden all the same.
    assert all(within(counts[number], SEQUENCES, 0.3 + 0.7**5 / 5) for number in range(5))


@pytest.mark.parametrize(("unit", "flag"), [("word", 0), ("term", IN_TERM)])
def test_a_word_that_begins_before_the_sequence_is_its_part_inside(
    unit: Masking, flag: int
) -> None:
    marks = np.array([flag, flag, 1, 0], dtype=np.uint8)
    seen = {frozenset(hidden(masked(marks, unit, 0.3, n))) for n in range(300)}
    assert seen == {frozenset({0, 1}), frozenset({2, 3}), frozenset({0, 1, 2, 3})}


# --- spans


@pytest.mark.parametrize("rate", [0.15, 0.4])
def test_spans_hide_the_rate_of_the_words_rounded_by_chance(rate: float) -> None:
    marks = flags("ab---c-de--" * 5)  # 25 words
    words = words_of(marks)
    low = math.floor(rate * len(words))
    counts: Counter[int] = Counter()
    for sequence in range(1000):
        found = hidden(masked(marks, "span", rate, sequence))
        whole = [word for word in words if found.issuperset(word)]
        assert found == {place for word in whole for place in word}
        counts[len(whole)] += 1
    assert set(counts) <= {low, low + 1}
    assert within(counts[low + 1], 1000, rate * len(words) - low)


def test_lengths_of_spans_are_geometric_up_to_ten_words() -> None:
    # One span hides a rate of 10 in 1000 words, unless it is shorter or meets the end.
    lengths: Counter[int] = Counter()
    for sequence in range(SEQUENCES):
        found = sorted(hidden(masked(np.ones(1000, dtype=np.uint8), "span", 0.01, sequence)))
        runs = [place for place in found if place - 1 not in found]
        lengths[next(n for n in range(1, 11) if runs[0] + n not in found)] += len(runs) == 1
    weights = 0.2 * 0.8 ** np.arange(10)
    assert within(lengths[10], SEQUENCES, weights[9] / weights.sum())


def test_a_span_has_one_fate_and_does_not_go_into_the_other_text_of_a_pair() -> None:
    text = (np.arange(5, 15), flags("a" * 10))
    frame, differ = frame_parts([text, text], SPECIALS), 0
    how = MaskingConfig(0.25, 0, SPECIALS, VOCABULARY, "span")
    for sequence in range(500):
        found = fates(mask_frame(frame, how, 0, sequence))
        assert 10 not in found  # the frame
        differ += 9 in found and 11 in found and found[9] != found[11]
    assert differ
    marks = flags("a-b-c-d-e-f-g-h-")
    for sequence in range(300):
        found = fates(masked(marks, "span", 2.0 / 8 - 1e-9, sequence))
        assert all(found[place] == found[place + 1] for place in found if place % 2 == 0)


# --- terms


@pytest.mark.parametrize(
    ("picture", "rate", "term", "word"),
    [
        # 100 tokens, 20 of them of terms: half of 15 are 7.5 of 20, and 7.5 of the other 80.
        ("A=" * 10 + "a" * 80, 0.15, 0.375, 7.5 / 80),
        # Four tokens of terms take no more than their limit.
        ("A= A= " + "a" * 96, 0.15, TERM_LIMIT, 13 / 96),
        # Above the limit every unit has the rate.
        ("A=" * 10 + "a" * 80, 0.6, 0.6, 0.6),
    ],
)
def test_terms_have_their_share_and_the_rate_is_kept(
    picture: str, rate: float, term: float, word: float
) -> None:
    marks, sequences = flags(picture), 1500
    inside, counts = (marks & IN_TERM) > 0, np.zeros(len(marks))
    for sequence in range(sequences):
        counts[list(hidden(masked(marks, "term", rate, sequence)))] += 1
    for probability, places in ((term, inside), (word, ~inside)):
        assert all(within(count, sequences, probability) for count in counts[places])
    # Tokens of a term are hidden together, so their number spreads more than a binomial's.
    deviation = math.sqrt(sequences * len(marks) * rate * (1 - rate) * 20)
    assert abs(counts.sum() - sequences * len(marks) * rate) < 5 * deviation


# --- all

PICTURES = st.lists(
    st.sampled_from(["a", "a-", "a---", "A", "A=", "A=B==", "A A="]), min_size=1, max_size=25
).map("".join)
RATES = st.floats(0.01, 0.99)


@pytest.mark.parametrize("unit", UNITS)
@given(
    picture=PICTURES,
    unknown=st.lists(st.booleans(), min_size=100, max_size=100),
    rates=st.tuples(RATES, RATES),
    share=RATES,
    sequence=st.integers(0, 10**9),
)
def test_each_unit_hides_something_ordinary_and_more_at_a_higher_rate(
    unit: Masking, picture: str, unknown: list[bool], rates: tuple[float, ...], share: float,
    sequence: int,
) -> None:  # fmt: skip
    marks = flags(picture)
    ids = np.where(unknown[: len(marks)], UNKNOWN, 7)
    found = []
    for rate in (*sorted(rates), max(rates)):
        how = MaskingConfig(rate, 0, SPECIALS, VOCABULARY, unit, share)
        found.append(mask_text(ids, how, 0, sequence, marks))
        # Unknown tokens are hidden only where there is nothing else.
        assert set(found[-1].targets_M.tolist()) == ({7} if 7 in ids else {UNKNOWN})
        restored = found[-1].ids_L.copy()
        restored[found[-1].positions_M] = found[-1].targets_M
        assert restored.tolist() == [CLS, *ids, SEP]
        assert {CLS, SEP, PAD}.isdisjoint(found[-1].ids_L[1:-1])
    assert hidden(found[0]) <= hidden(found[1])
    assert found[1].ids_L.tolist() == found[2].ids_L.tolist()

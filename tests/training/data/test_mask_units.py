"""Words, spans and terms: each definition on a hand-made example, and what holds for all."""

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
    mlm_probability_at,
)

VOCABULARY = 1000
PAD, UNKNOWN, CLS, SEP, MASK = range(5)
SPECIALS = SpecialTokens((CLS,), (SEP,), MASK, PAD, (0, 1, 2, 3, 4), between=(SEP,))
ALL_UNITS: list[Masking] = ["token", "word", "span", "term"]
UNITS: list[Masking] = ["word", "span", "term"]
SEQUENCES = 3000


def flags(words: str) -> np.ndarray:
    """Flags from a picture: a letter begins a word, `-` goes on, capitals and `=` are of terms.

    Behind a term begins a word; a term of two words is `A=B=`, two terms of one word are `A= A=`.
    """
    marks, inside = [], False
    for character in words:
        if character == " ":
            inside = False
            continue
        term = character.isupper() or character == "="
        flag = (character.isalpha() and BEGINS_WORD) | (term and IN_TERM)
        flag |= BEGINS_TERM if term and not inside else 0
        inside = term
        marks.append(int(flag))
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


# --- words


def test_all_tokens_of_a_word_are_hidden_or_none_and_words_as_often_as_asked_for() -> None:
    marks = flags("ab---c-de--")
    counts: Counter[int] = Counter()
    for sequence in range(SEQUENCES):
        found = hidden(masked(marks, "word", 0.3, sequence))
        for number, word in enumerate(words_of(marks)):
            assert found.issuperset(word) or found.isdisjoint(word)
            counts[number] += word[0] in found
    # Where no word was drawn, one is hidden all the same.
    expected = 0.3 + 0.7**5 / 5
    assert all(within(counts[number], SEQUENCES, expected) for number in range(5))


def test_the_fate_of_a_word_is_drawn_for_each_of_its_tokens() -> None:
    marks = flags("a---")
    counts: Counter[tuple[str, ...]] = Counter()
    for sequence in range(SEQUENCES):
        counts[tuple(fates(masked(marks, "word", 0.15, sequence)).values())] += 1
    assert within(counts["mask", "mask", "mask", "mask"], SEQUENCES, 0.8**4)
    assert within(counts["kept", "kept", "kept", "kept"], SEQUENCES, 0.1**4)
    assert within(sum(n for fate, n in counts.items() if fate[0] == "mask"), SEQUENCES, 0.8)


def test_a_word_that_begins_before_the_sequence_is_its_part_inside() -> None:
    marks = np.array([0, 0, 1, 0], dtype=np.uint8)
    seen = {frozenset(hidden(masked(marks, "word", 0.3, n))) for n in range(300)}
    assert seen == {frozenset({0, 1}), frozenset({2, 3}), frozenset({0, 1, 2, 3})}
    marks[:2] |= IN_TERM
    seen = {frozenset(hidden(masked(marks, "term", 0.3, n))) for n in range(300)}
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


def test_a_span_has_one_fate() -> None:
    marks = flags("a-b-c-d-e-f-g-h-")
    counts: Counter[str] = Counter()
    for sequence in range(SEQUENCES):
        # Two words: of one span, or of two.
        told = fates(masked(marks, "span", 2.0 / 8 - 1e-9, sequence))
        for word in {place // 2 for place in told}:
            assert told[2 * word] == told[2 * word + 1]
        counts[told[min(told)]] += 1
    assert all(within(counts[f], SEQUENCES, p) for f, p in {"mask": 0.8, "kept": 0.1}.items())


def test_no_span_goes_from_one_text_of_a_pair_into_the_other() -> None:
    text = (np.arange(5, 15), flags("a" * 10))
    frame = frame_parts([text, text], SPECIALS)
    how = MaskingConfig(0.25, 0, SPECIALS, VOCABULARY, "span")
    for sequence in range(500):
        found = mask_frame(frame, how, 0, sequence)
        assert 11 not in found.positions_M
        told = {int(p): "mask" if found.ids_L[p] == MASK else "other" for p in found.positions_M}
        if 10 in told and 12 in told and told[10] != told[12]:
            return
    raise AssertionError("the words beside the frame always share their fate")


# --- terms


@pytest.mark.parametrize(
    ("picture", "rate", "share", "term", "word"),
    [
        # 100 tokens, 20 of them of terms: half of 15 are 7.5 of 20, and 7.5 of the other 80.
        ("A=" * 10 + "a" * 80, 0.15, 0.5, 0.375, 7.5 / 80),
        # Four tokens of terms take no more than their limit.
        ("A= A= " + "a" * 96, 0.15, 0.5, TERM_LIMIT, 13 / 96),
        # Nearly all are terms: they have more than the share without favour.
        ("A= " * 40 + "a" * 20, 0.15, 0.5, 0.15, 0.15),
        ("a" * 100, 0.15, 0.5, None, 0.15),
        ("A= " * 50, 0.15, 0.5, 0.15, None),
        # Above the limit every unit has the rate.
        ("A=" * 10 + "a" * 80, 0.6, 0.5, 0.6, 0.6),
        ("A= " * 10 + "a" * 80, 0.4, 0.5, TERM_LIMIT, 30 / 80),
    ],
)
def test_terms_have_their_share_and_the_rate_is_kept(
    picture: str, rate: float, share: float, term: float | None, word: float | None
) -> None:
    marks = flags(picture)
    inside = (marks & IN_TERM) > 0
    counts = np.zeros(len(marks))
    sequences = 1500
    for sequence in range(sequences):
        counts[list(hidden(masked(marks, "term", rate, sequence, share)))] += 1
    for probability, places in ((term, inside), (word, ~inside)):
        assert (probability is None) == (not places.any())
        if probability is not None:
            found = counts[places]
            assert all(within(count, sequences, probability) for count in found)
    expected = (term or 0) * inside.mean() + (word or 0) * (1 - inside.mean())
    assert expected == pytest.approx(rate)
    # Tokens of a term are hidden together, so their number spreads more than a binomial's.
    deviation = math.sqrt(sequences * len(marks) * rate * (1 - rate) * 20)
    assert abs(counts.sum() - sequences * len(marks) * rate) < 5 * deviation


# --- all

PICTURES = st.lists(
    st.sampled_from(["a", "a-", "a---", "A", "A=", "A=B==", "A A="]), min_size=1, max_size=25
).map("".join)
RATES = st.floats(0.01, 0.99)
SHARES = st.floats(0.01, 0.99)


@pytest.mark.parametrize("unit", ALL_UNITS)
@given(picture=PICTURES, rate=RATES, share=SHARES, sequence=st.integers(0, 10**9))
def test_something_is_hidden_and_never_the_frame(
    unit: Masking, picture: str, rate: float, share: float, sequence: int
) -> None:
    marks = flags(picture)
    found = masked(marks, unit, rate, sequence, share)
    assert len(found.positions_M) >= 1
    assert hidden(found) <= set(range(len(marks)))
    restored = found.ids_L.copy()
    restored[found.positions_M] = found.targets_M
    assert restored.tolist() == [CLS, *range(5, 5 + len(marks)), SEP]
    again = masked(marks, unit, rate, sequence, share)
    assert found.ids_L.tolist() == again.ids_L.tolist()


@pytest.mark.parametrize("unit", UNITS)
@given(
    picture=PICTURES,
    unknown=st.lists(st.booleans(), min_size=100, max_size=100),
    rate=RATES,
    sequence=st.integers(0, 10**9),
)
def test_unknown_tokens_are_hidden_only_where_there_is_nothing_else(
    unit: Masking, picture: str, unknown: list[bool], rate: float, sequence: int
) -> None:
    marks = flags(picture)
    ids = np.where(unknown[: len(marks)], UNKNOWN, 7)
    how = MaskingConfig(rate, 0, SPECIALS, VOCABULARY, unit)
    found = mask_text(ids, how, 0, sequence, marks)
    expected = {UNKNOWN} if (ids == UNKNOWN).all() else {7}
    assert set(found.targets_M.tolist()) == expected


# --- schedule


def test_the_mask_rate_moves_in_equal_steps() -> None:
    rates = [mlm_probability_at(step, 4, 0.3, 0.15) for step in range(4)]
    assert rates == pytest.approx([0.3, 0.25, 0.2, 0.15])
    assert mlm_probability_at(0, 1, 0.3, 0.15) == 0.3
    assert mlm_probability_at(9, 4, 0.3, 0.15) == pytest.approx(0.15)


@pytest.mark.parametrize("unit", ALL_UNITS)
@given(picture=PICTURES, low=RATES, high=RATES, share=SHARES, sequence=st.integers(0, 99))
def test_a_higher_rate_hides_the_same_tokens_and_more(
    unit: Masking, picture: str, low: float, high: float, share: float, sequence: int
) -> None:
    low, high = sorted((low, high))
    marks = flags(picture)
    fewer, more = (hidden(masked(marks, unit, r, sequence, share)) for r in (low, high))
    assert fewer <= more

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domainbert.keyed_random import derive_key, permute, random_words, uniforms

KEYS = st.integers(0, 2**64 - 1)


@given(size=st.integers(1, 2000), key=KEYS)
@settings(max_examples=200, deadline=None)
def test_permute_is_a_bijection_whatever_size_and_key(size: int, key: int) -> None:
    assert sorted(permute(np.arange(size), size, key).tolist()) == list(range(size))


@given(size=st.integers(1, 2000), key=KEYS, data=st.data())
@settings(max_examples=50, deadline=None)
def test_permute_of_one_index_is_that_of_all_together(
    size: int, key: int, data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, size - 1))
    alone = permute([index], size, key)
    assert alone.tolist() == [permute(np.arange(size), size, key)[index]]


def test_over_keys_an_index_goes_everywhere_alike() -> None:
    sent = [int(permute([2], 5, derive_key("test", number))[0]) for number in range(1500)]
    counts = np.bincount(sent, minlength=5)
    # 300 expected, standard deviation 15.5.
    assert np.abs(counts - 300).max() < 5 * 15.5


def test_permute_golden() -> None:
    assert permute(np.arange(10), 10, derive_key("order", 0, 0)).tolist() == PERMUTED


PERMUTED = [9, 5, 4, 8, 7, 2, 3, 0, 6, 1]


@given(
    key=KEYS,
    rows=st.lists(st.integers(0, 2**40), min_size=1, max_size=4),
    columns=st.lists(st.integers(0, 2**40), min_size=1, max_size=4),
)
def test_random_words_of_a_grid_are_those_of_its_places(
    key: int, rows: list[int], columns: list[int]
) -> None:
    grid = random_words(key, np.array(rows)[:, None], np.array(columns)[None, :])
    places = [[int(random_words(key, row, column)) for column in columns] for row in rows]
    assert grid.tolist() == places


@pytest.mark.parametrize("first", [0, 10**6, 10**12])
def test_uniforms_have_mean_variance_and_independence(first: int) -> None:
    n = 100_000
    values = uniforms(random_words(derive_key("uniforms"), np.arange(first, first + n)))
    assert values.min() >= 0 and values.max() < 1
    # Five standard errors each.
    assert abs(values.mean() - 1 / 2) < 5 * np.sqrt(1 / 12 / n)
    assert abs(values.var() - 1 / 12) < 5 * np.sqrt(1 / 180 / n)
    for lag in (1, 2, 128):
        assert abs(np.corrcoef(values[:-lag], values[lag:])[0, 1]) < 5 / np.sqrt(n)


def test_uniforms_of_the_extreme_words() -> None:
    words = np.array([0, 2**64 - 1], dtype=np.uint64)
    assert uniforms(words).tolist() == [0.0, 1.0 - 2.0**-53]


def test_derive_key_golden() -> None:
    assert derive_key("mask", 0, 1, 2) == MASK_KEY
    assert derive_key("bits", "Ünï") == BITS_KEY
    assert derive_key(b"\x00\xff") == BYTES_KEY


MASK_KEY = 0x5525027A4E0A7349
BITS_KEY = 0xE791191A7B0D79E5
BYTES_KEY = 0xE49CF0C8782EC7B0


def test_derive_key_depends_on_every_part_and_on_their_order() -> None:
    keys = [("a", "b"), ("b", "a"), ("ab",), ("a", "", "b"), ("a",), ("a", 1), ("a", 1, 0)]
    assert len({derive_key(*parts) for parts in keys}) == len(keys)

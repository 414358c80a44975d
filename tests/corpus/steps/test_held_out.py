from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domainbert import Document
from domainbert.corpus.steps.held_out import heldout_texts, split_counts, split_documents
from domainbert.corpus.store import TokenStore, write_store
from domainbert.errors import DataError


def digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def store_of(folder: Path, texts: list[str], empty: str = "") -> TokenStore:
    """Write a store whose documents have a token per character; `empty` has none."""
    documents = [Document(text, text, "s") for text in texts]

    def encode(batch: list[str]) -> list[list[int]]:
        return [[1] * len(text) * (text != empty) for text in batch]

    return write_store(folder, documents, encode, 128, dict)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(st.sampled_from("abcdefgh"), min_size=2, max_size=20),
    fraction=st.floats(0.01, 0.6),
)
def test_copies_of_a_text_are_on_one_side_and_every_row_on_one(
    tmp_path: Path, texts: list[str], fraction: float
) -> None:
    store = store_of(tmp_path / "corpus", texts)
    try:
        split = split_documents(store, fraction)
    except DataError:
        smallest = sorted(texts, key=digest)[max(1, round(fraction * len(texts))) - 1]
        assert max(texts, key=digest) == smallest  # copies of the largest hash are all held out
        return
    train, held = split.train_T.tolist(), split.heldout_H.tolist()
    assert {texts[row] for row in train}.isdisjoint(texts[row] for row in held)
    assert sorted(train + held) == list(range(len(texts)))
    assert train == sorted(train)
    assert [digest(texts[row]) for row in held] == sorted(digest(texts[row]) for row in held)


def test_documents_without_tokens_are_not_trained_on(tmp_path: Path) -> None:
    order = sorted("abcd", key=digest)
    store = store_of(tmp_path / "corpus", order, empty=order[2])
    split = split_documents(store, 0.25)
    assert split.train_T.tolist() == [1, 3]
    assert split_counts(store, split) == {"train": 2, "held_out": 1, "without_tokens": 1}


@pytest.mark.parametrize(("limit", "count"), [(1, 1), (3, 1), (4, 2), (6, 2), (7, 3), (1000, 8)])
def test_heldout_texts_end_once_they_have_the_tokens(
    tmp_path: Path, limit: int, count: int
) -> None:
    texts = [f"n{number:02}" for number in range(16)]  # three tokens each
    store = store_of(tmp_path / "corpus", texts)
    found: Any = heldout_texts(store, split_documents(store, 0.5), limit)
    assert found == sorted(texts, key=digest)[:count]

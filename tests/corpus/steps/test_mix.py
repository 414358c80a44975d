"""Shares of corpora in the tokens that are trained on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from domainbert.corpus.steps.held_out import Split, split_documents
from domainbert.corpus.steps.mix import mix_documents, said_shares, token_shares
from domainbert.corpus.store import TokenStore, write_store
from domainbert.errors import DataError
from domainbert.plugin.domain import Document
from domainbert.recipe.schema import Recipe


def store_of(folder: Path, **n_documents: int) -> TokenStore:
    """Return a store in which a document has 10 tokens."""
    documents = [
        Document(f"{name}{n}", f"{name} {n}", f"{name}:{n}", name)
        for name, number in n_documents.items()
        for n in range(number)
    ]
    return write_store(folder, documents, lambda texts: [[1] * 10 for _ in texts], 100, dict)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_corpus_gets_its_share_of_the_tokens(tmp_path: Path, share: float) -> None:
    store = store_of(tmp_path, field=100, general=1000)
    split = split_documents(store, 0.001)
    mixed = mix_documents(store, split, {"general": share})
    assert token_shares(store, mixed)["general"] == pytest.approx(share, abs=0.01)
    assert token_shares(store, mixed)["general"] <= share
    names = store.documents["corpus"].to_pylist()
    assert sum(names[row] == "field" for row in mixed.train_T) == 100
    assert mixed.heldout_H.tolist() == split.heldout_H.tolist()


def test_what_stays_is_a_function_of_the_texts_and_smaller_shares_are_parts(
    tmp_path: Path,
) -> None:
    store = store_of(tmp_path, field=50, general=200)
    split = Split(split_documents(store, 0.01).train_T, split_documents(store, 0.01).heldout_H)
    small, large = (mix_documents(store, split, {"general": share}) for share in (0.2, 0.4))
    assert {*small.train_T} < {*large.train_T}
    assert small.train_T.tolist() == sorted(small.train_T)


def test_a_corpus_that_has_less_than_its_share_is_used_whole(tmp_path: Path) -> None:
    store = store_of(tmp_path, field=100, general=5)
    split = split_documents(store, 0.001)
    assert len(mix_documents(store, split, {"general": 0.5}).train_T) == len(split.train_T)
    assert mix_documents(store, split, {}) is split


def test_shares_are_said(tmp_path: Path) -> None:
    assert said_shares({"field": 0.9, "general": 0.1, "none": 0.0}) == (
        "tokens to train on: 90.0% field, 10.0% general"
    )
    store = store_of(tmp_path, general=5)
    with pytest.raises(DataError, match="every corpus has a `share`"):
        mix_documents(store, split_documents(store, 0.001), {"general": 0.5})


@pytest.mark.parametrize(
    ("shares", "message"),
    [
        ([0.5, 0.5], "every entry has a `share`"),
        ([0.5, 0.5, None], "together 1 or more"),
        ([0, None], "greater than 0"),
        ([1.5, None], "less than 1"),
    ],
)
def test_shares_that_cannot_be_are_refused(shares: list[float | None], message: str) -> None:
    corpus = [{"path": f"{n}.txt", "share": share} for n, share in enumerate(shares)]
    with pytest.raises(ValidationError, match=message):
        Recipe.model_validate({"name": "a", "base": "b", "corpus": corpus, "train": {"steps": 1}})


def test_a_corpus_that_falls_short_raises_no_other_share(tmp_path: Path) -> None:
    store = store_of(tmp_path, field=100, small=1, large=1000)
    split = split_documents(store, 0.001)
    found = token_shares(store, mix_documents(store, split, {"small": 0.5, "large": 0.4}))
    assert found["large"] == pytest.approx(0.4, abs=0.01) and found["large"] <= 0.4


def test_a_document_that_is_beyond_its_share_alone_is_refused(tmp_path: Path) -> None:
    documents = [Document("f", "field", "f", "field"), Document("g", "general", "g", "general")]
    sizes = {"field": 10, "general": 1000}
    store = write_store(
        tmp_path, documents, lambda texts: [[1] * sizes[t] for t in texts], 100, dict
    )
    split = Split(np.array([0, 1]), np.array([], dtype=np.int64))
    with pytest.raises(
        DataError, match=r"one document of general has more tokens than `share: 0\.1"
    ):
        mix_documents(store, split, {"general": 0.1})

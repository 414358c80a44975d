from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from domainbert import Document
from domainbert.corpus.store import (
    DOCUMENTS_PER_BATCH,
    TokenStore,
    open_store,
    read_store,
    write_store,
)
from domainbert.errors import DataError
from domainbert.storage.files import read_json_with_hash, write_json_with_hash


def letters(texts: list[str]) -> list[list[int]]:
    """Encode each character by its number."""
    return [[ord(c) for c in text] for text in texts]


def write(folder: Path, texts: Iterable[str], **more: Any) -> TokenStore:
    documents = (Document(f"d{number}", text, f"s:{number}") for number, text in enumerate(texts))
    return write_store(folder, documents, letters, 1 << 16, lambda _: more)


@pytest.mark.parametrize(("vocabulary", "kind"), [(1 << 16, np.uint16), ((1 << 16) + 1, np.uint32)])
def test_ids_have_16_bits_up_to_65536_entries_and_32_above(
    tmp_path: Path, vocabulary: int, kind: Any
) -> None:
    ids = [0, vocabulary - 1]
    store = write_store(tmp_path, [Document("a", "a", "a")], lambda _: [ids], vocabulary, dict)
    assert (store.ids(0).dtype, store.ids(0).tolist()) == (kind, ids)
    assert open_store(tmp_path).ids(0).tolist() == ids


@pytest.mark.parametrize("count", [1, DOCUMENTS_PER_BATCH, 2 * DOCUMENTS_PER_BATCH + 1])
def test_texts_ids_and_hashes_come_back_equal_document_by_document(
    tmp_path: Path, count: int
) -> None:
    texts = [chr(97 + number % 26) * (number % 4) + f"ö{number}" for number in range(count)]
    store = write(tmp_path, texts)
    rows = range(count)
    assert [store.text(row) for row in rows] == texts
    assert [store.ids(row).tolist() for row in rows] == letters(texts)
    assert [d.text for d in read_store(tmp_path)] == texts
    assert store.lengths_D.tolist() == [len(text) for text in texts]
    hashes = [hashlib.sha256(text.encode()).digest() for text in texts]
    assert [bytes(row) for row in store.sha256_DB] == hashes
    assert store.units(0) is None


def test_units_come_back_beside_the_ids_and_are_named_in_the_manifest(tmp_path: Path) -> None:
    texts = [chr(97 + number % 26) * (number % 4) for number in range(DOCUMENTS_PER_BATCH + 3)]

    def encode(batch: list[str]) -> list[Any]:
        return [(ids, np.array(ids, dtype=np.uint8) % 8) for ids in letters(batch)]

    documents = (Document("d", text, "s") for text in texts)
    store = write_store(tmp_path, documents, encode, 128, dict, "words")
    assert store.manifest["units"] == "words"
    for row in (0, 1, 2, 3, DOCUMENTS_PER_BATCH, len(texts) - 1):
        assert store.ids(row).tolist() == letters(texts)[row]
        assert store.units(row).tolist() == [number % 8 for number in letters(texts)[row]]


def test_the_manifest_counts_and_names_the_files(tmp_path: Path) -> None:
    store = write(tmp_path, ["one", "twö"], counts={"read": 3}, tokenizer="t")
    hashes = {
        name: hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()
        for name in ("documents.arrow", "tokens.arrow")
    }
    texts = b"".join(hashlib.sha256(text.encode()).digest() for text in ("one", "twö"))
    assert read_json_with_hash(tmp_path / "manifest.json") == store.manifest
    assert store.manifest == {
        "characters": 6, "counts": {"read": 3}, "digest": hashlib.sha256(texts).hexdigest(),
        "documents": 2, "schema": 2, "sha256": hashes, "tokenizer": "t", "tokens": 6,
        "units": None,
    }  # fmt: skip
    assert {path.name for path in tmp_path.iterdir()} == {*hashes, "manifest.json"}


@pytest.mark.parametrize("name", ["documents.arrow", "tokens.arrow"])
@pytest.mark.parametrize("place", [0.0, 0.5, 0.9])
def test_a_flipped_bit_in_either_file_is_found(tmp_path: Path, name: str, place: float) -> None:
    write(tmp_path, ["one", "two"])
    path = tmp_path / name
    content = bytearray(path.read_bytes())
    content[int(place * len(content))] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match=rf"{name}: missing or changed .* Delete the folder"):
        open_store(tmp_path)


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"sha256": {}}'])
def test_a_damaged_manifest_is_found(tmp_path: Path, content: str) -> None:
    write(tmp_path, ["one"])
    (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(DataError, match=r"manifest\.json: damaged"):
        open_store(tmp_path)


def test_a_store_of_another_version_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    write_json_with_hash(path, {**write(tmp_path, ["one"]).manifest, "schema": 3})
    with pytest.raises(DataError, match=r"json: schema 3 of the token store; .* reads 2\. Delete"):
        open_store(tmp_path)


@pytest.mark.parametrize("texts", [[], [""]])
def test_a_corpus_without_tokens_is_refused_with_its_counts(
    tmp_path: Path, texts: list[str]
) -> None:
    with pytest.raises(DataError, match=r"^The corpus is empty \({'read': 7}\): no document has"):
        write(tmp_path, texts, counts={"read": 7})
    assert not (tmp_path / "manifest.json").exists()


def test_half_of_a_surrogate_pair_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"^s:0: not UTF-8 \(surrogate\)\. Add `normalise`"):
        write(tmp_path, ["a\ud800"])

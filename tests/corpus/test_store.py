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
from domainbert.storage.files import write_json_with_hash


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


def test_half_of_a_surrogate_pair_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"^s:0: not UTF-8 \(surrogate\)\. Add `normalise`"):
        write(tmp_path, ["a\ud800"])

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
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
from domainbert.storage.files import sha256_file, write_json_with_hash


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


@pytest.mark.parametrize("place", [0.0, 0.5, 0.9])
def test_a_flipped_bit_is_found(tmp_path: Path, place: float) -> None:
    write(tmp_path, ["one", "two"])
    path = tmp_path / "store.arrow"
    content = bytearray(path.read_bytes())
    content[int(place * len(content))] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"store\.arrow: missing or changed .* Delete the folder"):
        open_store(tmp_path)


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"sha256": {}}'])
def test_a_damaged_manifest_is_found(tmp_path: Path, content: str) -> None:
    write(tmp_path, ["one"])
    (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(DataError, match=r"manifest\.json: damaged"):
        open_store(tmp_path)


def test_a_store_of_another_version_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    write_json_with_hash(path, {**write(tmp_path, ["one"]).manifest, "schema": 4})
    with pytest.raises(DataError, match=r"json: schema 4 of the token store; .* reads 3\. Delete"):
        open_store(tmp_path)


def test_half_of_a_surrogate_pair_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"^s:0: not UTF-8 \(surrogate\)\. Add `normalise`"):
        write(tmp_path, ["a\ud800"])


def test_the_store_opens_with_datasets(tmp_path: Path) -> None:
    from datasets import load_from_disk

    texts = [f"text {n}" for n in range(DOCUMENTS_PER_BATCH + 5)]
    store = write(tmp_path, texts)
    opened = load_from_disk(str(tmp_path))
    assert opened.column_names == ["id", "source", "corpus", "sha256", "text", "ids"]
    assert opened["text"][:] == texts
    assert opened[-1]["ids"] == store.ids(len(texts) - 1).tolist()


def test_a_store_of_two_files_is_read_as_before(tmp_path: Path) -> None:
    texts = ["one", "two", "three"]
    store = write(tmp_path / "new", texts)
    old, names = tmp_path / "old", {"documents.arrow": ["id", "source", "sha256", "text"]}
    old.mkdir()
    for name, columns in {**names, "tokens.arrow": ["ids"]}.items():
        table = store.documents.select(columns)
        with pa.ipc.new_file(str(old / name), table.schema) as writer:
            writer.write_table(table)
    hashes = {path.name: sha256_file(path) for path in old.iterdir()}
    write_json_with_hash(old / "manifest.json", {**store.manifest, "schema": 2, "sha256": hashes})
    assert [open_store(old).ids(row).tolist() for row in range(3)] == letters(texts)
    assert list(read_store(old)) == list(read_store(tmp_path / "new"))

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

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


def document(text: str, number: int = 0) -> Document:
    return Document(f"d{number}", text, f"s:{number}")


def sha256(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def letters(texts: list[str]) -> list[list[int]]:
    """Encode each character by its number."""
    return [[ord(c) for c in text] for text in texts]


def write(folder: Path, texts: Iterable[str], vocabulary: int = 1 << 16, **more: Any) -> TokenStore:
    documents = (document(text, number) for number, text in enumerate(texts))
    return write_store(folder, documents, letters, vocabulary, lambda: more)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(
        st.text(st.characters(codec="utf-8", max_codepoint=0xFFFF), max_size=20), max_size=6
    ).filter(any)
)
def test_texts_and_ids_come_back_equal_document_by_document(
    tmp_path: Path, texts: list[str]
) -> None:
    store = write(tmp_path / "corpus", texts)
    rows = range(len(texts))
    assert [store.text(row) for row in rows] == texts
    assert [store.ids(row).tolist() for row in rows] == letters(texts)
    assert store.lengths_D.tolist() == [len(text) for text in texts]
    assert [bytes(row) for row in store.sha256_DB] == [sha256(text) for text in texts]


@pytest.mark.parametrize(
    ("vocabulary", "kind"),
    [(100, np.uint16), (1 << 16, np.uint16), ((1 << 16) + 1, np.uint32), (250_000, np.uint32)],
)
def test_ids_have_16_bits_up_to_65536_entries_and_32_above(
    tmp_path: Path, vocabulary: int, kind: Any
) -> None:
    largest = vocabulary - 1
    store = write_store(
        tmp_path / "corpus",
        [document("a"), document("b")],
        lambda texts: [[0, largest]] * len(texts),
        vocabulary,
        dict,
    )
    assert store.ids(1).dtype == kind
    assert store.ids(1).tolist() == [0, largest]
    assert open_store(tmp_path / "corpus").ids(0).tolist() == [0, largest]


@pytest.mark.parametrize("count", [1, DOCUMENTS_PER_BATCH, 2 * DOCUMENTS_PER_BATCH + 1])
def test_boundaries_of_documents_hold_across_batches(tmp_path: Path, count: int) -> None:
    texts = [chr(97 + number % 26) * (number % 4) + str(number) for number in range(count)]
    store = write(tmp_path / "corpus", texts)
    rows = sorted(
        {0, count - 1, *range(DOCUMENTS_PER_BATCH - 2, min(count, DOCUMENTS_PER_BATCH + 2))}
    )
    rows = [row for row in rows if row < count]
    assert [store.text(row) for row in rows] == [texts[row] for row in rows]
    assert [store.ids(row).tolist() for row in rows] == letters([texts[row] for row in rows])
    assert [d.text for d in read_store(tmp_path / "corpus")] == texts
    assert store.lengths_D.tolist() == [len(text) for text in texts]


def test_units_come_back_beside_the_ids_and_are_named_in_the_manifest(tmp_path: Path) -> None:
    texts = [chr(97 + number % 26) * (number % 4) for number in range(DOCUMENTS_PER_BATCH + 3)]

    def encode(batch: list[str]) -> list[Any]:
        return [(ids, np.array(ids, dtype=np.uint8) % 8) for ids in letters(batch)]

    documents = (document(text, number) for number, text in enumerate(texts))
    store = write_store(tmp_path / "corpus", documents, encode, 128, dict, "words")
    assert store.manifest["units"] == "words"
    for row in (0, 1, 2, 3, DOCUMENTS_PER_BATCH - 1, DOCUMENTS_PER_BATCH, len(texts) - 1):
        assert store.ids(row).tolist() == letters(texts)[row]
        assert store.units(row).tolist() == [number % 8 for number in letters(texts)[row]]
        assert store.units(row).dtype == np.uint8
    assert write(tmp_path / "plain", ["a"]).units(0) is None


def test_the_manifest_counts_and_names_what_is_there(tmp_path: Path) -> None:
    texts = ["one", "twö"]
    store = write(tmp_path / "corpus", texts, counts={"read": 3}, tokenizer="t")
    folder = tmp_path / "corpus"
    hashes = {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest()
        for name in ("documents.arrow", "tokens.arrow")
    }
    digest = hashlib.sha256(b"".join(sha256(text) for text in texts)).hexdigest()
    expected = {
        "characters": 6,
        "counts": {"read": 3},
        "digest": digest,
        "documents": 2,
        "schema": 2,
        "sha256": hashes,
        "tokenizer": "t",
        "tokens": 6,
        "units": None,
    }
    assert store.manifest == expected
    assert read_json_with_hash(folder / "manifest.json") == expected
    assert sorted(path.name for path in folder.iterdir()) == [
        "documents.arrow",
        "manifest.json",
        "tokens.arrow",
    ]


def test_the_digest_tells_texts_and_their_order_but_not_ids_and_sources(tmp_path: Path) -> None:
    def digest(name: str, *documents: Document) -> str:
        store = write_store(tmp_path / name, documents, letters, 128, dict)
        return str(store.manifest["digest"])

    one, two = document("one", 1), document("two", 2)
    first = digest("a", one, two)
    assert digest("b", document("one", 8), document("two", 9)) == first
    assert len({first, digest("c", two, one), digest("d", one), digest("e", one, two, one)}) == 4


@pytest.mark.parametrize("name", ["documents.arrow", "tokens.arrow"])
@pytest.mark.parametrize("place", [0.0, 0.3, 0.6, 0.9])
def test_a_flipped_bit_in_either_file_is_found(tmp_path: Path, name: str, place: float) -> None:
    folder = tmp_path / "corpus"
    write(folder, ["one", "two"])
    path = folder / name
    content = bytearray(path.read_bytes())
    content[int(place * len(content))] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        open_store(folder)
    assert str(caught.value) == (
        f"{path}: missing or changed since it was written (its hash differs). Delete the folder "
        f"{folder} and run again to rebuild it."
    )


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"sha256": {}}'])
def test_a_damaged_manifest_is_found(tmp_path: Path, content: str) -> None:
    write(tmp_path / "corpus", ["one"])
    (tmp_path / "corpus" / "manifest.json").write_text(content)
    with pytest.raises(DataError):
        open_store(tmp_path / "corpus")


def test_a_store_of_another_version_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "corpus" / "manifest.json"
    manifest = write(path.parent, ["one"]).manifest
    for schema in (1, 3):
        old = {key: value for key, value in manifest.items() if key != "schema"}
        write_json_with_hash(path, old if schema == 1 else {**old, "schema": schema})
        with pytest.raises(DataError) as caught:
            open_store(path.parent)
        assert str(caught.value) == (
            f"{path}: schema {schema} of the token store; this version of domainbert reads 2. "
            f"Delete the folder {path.parent} and run again to rebuild it."
        )


@pytest.mark.parametrize("texts", [[], ["?"]])
def test_a_corpus_without_tokens_is_refused_with_its_counts(
    tmp_path: Path, texts: list[str]
) -> None:
    documents = [document(text) for text in texts]
    with pytest.raises(DataError, match=r"^The corpus is empty \(7 read\): no document has"):
        write_store(tmp_path, documents, lambda _: [[]], 9, lambda: {"counts": {"read": 7}})
    assert not (tmp_path / "manifest.json").exists()


def test_half_of_a_surrogate_pair_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"^s:0: half of a surrogate pair.* `normalise`"):
        write(tmp_path, ["a\ud800"])

"""The token store: documents and their tokens as a memory-mapped Arrow file.

    store.arrow      id, source, corpus, sha256, text, ids, units   one row per document, in reading
                     order; units only where masking of words or terms needs them: `token_units.py`
    state.json, dataset_info.json   for `datasets.load_from_disk`
    manifest.json    hash of the file, counts, digest, tokenizer fingerprint

Documents keep their boundaries: nothing is concatenated. The manifest is written last, so a store
without one is not a store. Stores of schema 2 had texts and tokens in two files, and are read.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from domainbert.batching import batched
from domainbert.errors import DataError
from domainbert.plugin.columnar import record_batches
from domainbert.plugin.domain import Document
from domainbert.storage.files import (
    read_json_with_hash,
    sha256_file,
    write_json,
    write_json_with_hash,
)

SCHEMA = 3
"""Version of the files of a store."""
DOCUMENTS_PER_BATCH = 1000
_FILE = "store.arrow"
_FILES = {2: ("documents.arrow", "tokens.arrow"), SCHEMA: (_FILE,)}
_TEXT = pa.large_string()
_DOCUMENT_FIELDS = [
    ("id", _TEXT), ("source", _TEXT), ("corpus", _TEXT), ("sha256", pa.binary(32)),
    ("text", _TEXT),
]  # fmt: skip

Encode = Callable[[list[str]], list[Any]]
"""Texts to token ids without special tokens, or to pairs of these and a byte of flags for each."""


@dataclass(frozen=True)
class TokenStore:
    """An open token store; arrays are views of the mapped files.

    Args:
        lengths_D: int64, tokens of each document.
        sha256_DB: uint8, text hash of each document, 32 bytes each.
        documents: Table with the columns of the texts.
        tokens: Table with those of the tokens, which may be the same one.
        manifest: Counts and hashes.
        stamps: Number, size and time of the mapped files, from before their hashes were compared;
            another content has other ones.
    """

    lengths_D: NDArray[np.int64]
    sha256_DB: NDArray[np.uint8]
    documents: Any
    tokens: Any
    manifest: dict[str, Any]
    stamps: dict[Path, tuple[int, int, int]]

    def check_unchanged(self) -> None:
        """Refuse files that were written to since the store was opened.

        Raises:
            DataError: Naming the file.
        """
        for path, stamp in self.stamps.items():
            if not path.exists() or _stamp(path) != stamp:
                cure = "Run again when nothing writes to it."
                raise DataError(f"{path}: was changed while it was in use. {cure}")

    def ids(self, document: int) -> NDArray[Any]:
        """Return the token ids of one document, uint16 or uint32, without special tokens."""
        ids_L: NDArray[Any] = self.tokens["ids"][document].values.to_numpy()
        return ids_L

    def units(self, document: int) -> NDArray[np.uint8] | None:
        """Return the unit flags of one document's tokens, or None in a store without units."""
        if self.manifest["units"] is None:
            return None
        units_L: NDArray[np.uint8] = self.tokens["units"][document].values.to_numpy()
        return units_L

    def text(self, document: int) -> str:
        """Return the text of one document."""
        return str(self.documents["text"][document].as_py())


def write_store(
    folder: Path,
    documents: Iterable[Document],
    encode: Encode,
    vocabulary_size: int,
    describe: Callable[[Counter[str]], dict[str, Any]],
    units: str | None = None,
) -> TokenStore:
    """Write documents and tokens, then the manifest, and open the result.

    Args:
        folder: New or empty.
        documents: Streamed.
        encode: Tokenises a batch of texts; expected to use every core.
        vocabulary_size: Decides between 16 and 32 bits per id.
        describe: Counts of documents, tokens and characters to further keys of the manifest.
        units: Name of the units that `encode` flags; None if it gives ids alone.

    Raises:
        DataError: No document has text.
    """
    value_type = pa.uint16() if vocabulary_size <= 1 << 16 else pa.uint32()
    types = {"ids": pa.large_list(value_type), "units": pa.large_list(pa.uint8())}
    schema = pa.schema(_DOCUMENT_FIELDS + list(types.items())[: 1 if units is None else 2])
    totals = Counter({"documents": 0, "tokens": 0, "characters": 0})
    digest = hashlib.sha256()
    folder.mkdir(parents=True, exist_ok=True)
    with pa.ipc.new_stream(str(folder / _FILE), schema) as writer:
        for batch in batched(documents, DOCUMENTS_PER_BATCH):
            encoded = encode([document.text for document in batch])
            ids, *flags = [encoded] if units is None else map(list, zip(*encoded, strict=True))
            rows = [(d.id, d.source, d.corpus, _sha256(d), d.text) for d in batch]
            columns = [*map(list, zip(*rows, strict=True)), ids, *flags]
            arrays = [pa.array(c, kind) for c, kind in zip(columns, schema.types, strict=True)]
            writer.write_batch(pa.record_batch(arrays, schema))
            for (*_, sha256, text), tokens in zip(rows, ids, strict=True):
                digest.update(sha256)
                totals.update(documents=1, tokens=len(tokens), characters=len(text))
    described = {"schema": SCHEMA, "units": units, **describe(totals)}
    if not totals["tokens"]:
        _refuse_empty({"read": 0, "steps": [], **described.get("counts", {})})
    hashes = {_FILE: sha256_file(folder / _FILE)}
    manifest = {**described, **totals, "sha256": hashes, "digest": digest.hexdigest()}
    for name, content in _for_datasets(digest.hexdigest()).items():
        write_json(folder / name, content)
    write_json_with_hash(folder / "manifest.json", manifest)
    return open_store(folder)


def _refuse_empty(counts: dict[str, Any]) -> None:
    reasons = [f", {n} {why}" for _, left in counts["steps"] for why, n in left.items()]
    raise DataError(
        f"The corpus is empty ({counts['read']} read{''.join(reasons)}): no document has text. "
        "Check `corpus:` and `corpus_steps:` in the recipe."
    )


def open_store(folder: Path) -> TokenStore:
    """Map a store into memory after checking its hashes.

    Raises:
        DataError: A file is missing or was changed, or another version wrote the store.
    """
    again = f"Delete the folder {folder} and run again to rebuild it."
    manifest = _read_manifest(folder / "manifest.json", again)
    paths = [folder / name for name in _FILES[manifest["schema"]]]
    stamps = {path: _stamp(path) for path in paths if path.is_file()}
    for path in paths:
        if path not in stamps or sha256_file(path) != manifest["sha256"][path.name]:
            raise DataError(f"{path}: missing or changed since it was written. {again}")
    tables = [_opened(path).read_all() for path in paths]
    documents, tokens = tables[0], tables[-1]
    lengths_D = pc.list_value_length(tokens["ids"]).to_numpy()
    # Hashes as Python objects would be most of what a large corpus needs in memory.
    chunks = [np.frombuffer(c.buffers()[1], dtype=np.uint8) for c in documents["sha256"].chunks]
    sha256_DB = np.concatenate(chunks).reshape(-1, 32)
    return TokenStore(lengths_D, sha256_DB, documents, tokens, manifest, stamps)


def read_store(folder: Path) -> Iterator[Document]:
    """Yield the documents of a store, in order."""
    path = folder / _FILE
    with _opened(path if path.is_file() else folder / _FILES[2][0]) as reader:
        for batch in record_batches(reader):
            for row in batch.select(_columns_of(batch)).to_pylist():
                yield Document(**row)


def _stamp(path: Path) -> tuple[int, int, int]:
    stat = path.stat()
    return stat.st_ino, stat.st_size, stat.st_mtime_ns


def _columns_of(batch: Any) -> list[str]:
    return [name for name in ("id", "text", "source", "corpus") if name in batch.schema.names]


def _opened(path: Path) -> Any:
    source = pa.memory_map(str(path))
    return pa.ipc.open_stream(source) if path.name == _FILE else pa.ipc.open_file(source)


def _for_datasets(fingerprint: str) -> dict[str, Any]:
    """Return the files by which `datasets.load_from_disk` opens a store."""
    unset = ("_format_columns", "_format_type", "_split")
    state = dict.fromkeys(unset) | {"_format_kwargs": {}, "_output_all_columns": False}
    state |= {"_data_files": [{"filename": _FILE}], "_fingerprint": fingerprint[:16]}
    return {"state.json": state, "dataset_info.json": {}}


def _read_manifest(path: Path, again: str) -> dict[str, Any]:
    try:
        manifest = read_json_with_hash(path)
    except (OSError, ValueError):
        raise DataError(f"{path}: damaged. {again}") from None
    if (schema := manifest.get("schema", 1)) not in _FILES:
        what = f"{path}: schema {schema} of the token store; this version reads {SCHEMA}."
        raise DataError(f"{what} {again}")
    return manifest


def _sha256(document: Document) -> bytes:
    try:
        return hashlib.sha256(document.text.encode()).digest()
    except UnicodeEncodeError:
        raise DataError(
            f"{document.source}: not UTF-8 (surrogate). Add `normalise` to `corpus_steps:`."
        ) from None

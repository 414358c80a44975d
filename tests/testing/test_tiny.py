from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from domainbert.model.load import find_base, load_masked_lm, longest_sequence
from domainbert.testing import FAMILIES, MAX_LENGTH, sample_texts, tiny_checkpoint
from domainbert.tokenizer.load import encode_texts


def test_sample_texts_are_distinct_and_begin_alike_whatever_their_number() -> None:
    texts = sample_texts(1000)
    assert len(set(texts)) == 1000
    assert sample_texts(10) == texts[:10]
    assert sample_texts(0) == []
    digest = hashlib.sha256("\n".join(texts).encode()).hexdigest()
    assert digest == "5188d16d3e6eac7369a7dbe76dedc094b882227c6e7f41eb959e8ea05cd7661a"


@pytest.mark.parametrize("with_head", [True, False])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_checkpoint_loads_as_a_base_of_its_family(
    family: str, with_head: bool, tmp_path: Path
) -> None:
    tiny_checkpoint(tmp_path, family, with_head)
    loaded = load_masked_lm(find_base(str(tmp_path), Path()), seed=0)
    assert loaded.model.config.model_type == family
    assert loaded.new_head is not with_head
    assert longest_sequence(loaded.model) == MAX_LENGTH
    assert len(loaded.tokenizer) == loaded.model.config.vocab_size


@pytest.mark.parametrize("family", FAMILIES)
def test_nothing_in_the_sample_texts_is_unknown(family: str, tmp_path: Path) -> None:
    tiny_checkpoint(tmp_path, family)
    tokenizer = load_masked_lm(find_base(str(tmp_path), Path()), seed=0).tokenizer
    reserved = set(tokenizer.all_special_ids)
    found = [reserved & set(ids) for ids in encode_texts(tokenizer, sample_texts(100))]
    assert found == [set()] * 100


@pytest.mark.parametrize("family", FAMILIES)
def test_given_words_are_single_tokens(family: str, tmp_path: Path) -> None:
    tiny_checkpoint(tmp_path, family, words=["quokka", "Zyx"])
    tokenizer = load_masked_lm(find_base(str(tmp_path), Path()), seed=0).tokenizer
    assert [len(ids) for ids in encode_texts(tokenizer, [" quokka Zyx quokka"])] == [3]


def test_an_unknown_family_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="unknown family 'gpt2'"):
        tiny_checkpoint(tmp_path / "x", "gpt2")
    assert not (tmp_path / "x").exists()

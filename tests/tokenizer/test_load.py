from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from tokenizers import normalizers

from domainbert.errors import BaseModelError
from domainbert.testing import FAMILIES, sample_texts, tiny_checkpoint
from domainbert.tokenizer.load import (
    encode_texts,
    encode_with_offsets,
    fingerprint,
    load_tokenizer,
    special_tokens,
)

Load = Callable[[str], Any]


@pytest.fixture(scope="module")
def load(tmp_path_factory: pytest.TempPathFactory) -> Load:
    """Load the tokenizer of a family; each call gives a new one."""
    folder = cache(lambda family: tiny_checkpoint(tmp_path_factory.mktemp(family), family))
    return lambda family: load_tokenizer(folder(family))


@pytest.mark.parametrize("family", FAMILIES)
def test_special_tokens_frame_a_text_as_the_tokenizer_does(load: Load, family: str) -> None:
    tokenizer, (text,) = load(family), sample_texts(1)
    found = special_tokens(tokenizer)
    (ids,) = encode_texts(tokenizer, [text])
    assert [*found.prefix, *ids, *found.suffix] == tokenizer(text)["input_ids"]
    assert (found.mask, found.pad) == (tokenizer.mask_token_id, tokenizer.pad_token_id)
    assert found.reserved == tuple(sorted(tokenizer.all_special_ids))
    assert found.between is not None
    pair = [*found.prefix, *ids, *found.between, *ids, *found.suffix]
    assert pair == tokenizer(text, text)["input_ids"]
    assert found.room(len(pair), paired=True) == 2 * len(ids)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_literal_control_token_in_a_text_is_text(load: Load, family: str) -> None:
    tokenizer = load(family)
    literals = tokenizer.all_special_tokens
    texts = [f"the clock{blank}{token}{blank}the boat" for token in literals for blank in " -"]
    control = set(tokenizer.all_special_ids) - {tokenizer.unk_token_id}
    assert not control.intersection(*map(set, encode_texts(tokenizer, texts)))


@pytest.mark.parametrize("family", FAMILIES)
def test_encoding_has_offsets_and_leaves_the_tokenizer_as_it_was(load: Load, family: str) -> None:
    tokenizer = load(family)
    backend = tokenizer.backend_tokenizer
    backend.enable_truncation(max_length=7)
    backend.enable_padding(length=9)
    before = (backend.truncation, backend.padding, backend.encode_special_tokens)
    text = "There, by the  harbour,\nstood a qrz-42 (x1)!"
    ((ids, offsets),) = encode_with_offsets(tokenizer, [text])
    assert len(ids) == len(offsets) > 7
    covered = {place for start, stop in offsets for place in range(start, stop)}
    assert {text[place] for place in set(range(len(text))) - covered} <= {" ", "\n"}
    assert (backend.truncation, backend.padding, backend.encode_special_tokens) == before


def test_fingerprint_changes_with_vocabulary_special_tokens_and_normaliser(load: Load) -> None:
    plain, longer, special, lower = (load("bert") for _ in range(4))
    longer.add_tokens(["quokka"])
    special.add_special_tokens({"mask_token": "the"})
    lower.backend_tokenizer.normalizer = normalizers.Lowercase()
    assert len({fingerprint(tokenizer) for tokenizer in (plain, longer, special, lower)}) == 4


def test_a_folder_without_a_tokenizer_or_a_mask_token_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BaseModelError, match="no usable tokenizer"):
        load_tokenizer(tmp_path)
    path = tiny_checkpoint(tmp_path, "modernbert") / "tokenizer_config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    del config["mask_token"]
    path.write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(BaseModelError, match="no mask token"):
        load_tokenizer(tmp_path)


@pytest.mark.parametrize("family", ["bert", "roberta", "xlm-roberta"])
def test_a_long_text_in_pieces_has_the_tokens_of_the_whole(
    family: str, load: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokenizer, texts = load(family), [" ".join(sample_texts(40)), "short", ""]
    whole = encode_with_offsets(tokenizer, texts)
    monkeypatch.setattr("domainbert.tokenizer.load.PIECE", 100)
    assert encode_with_offsets(tokenizer, texts) == whole
    assert encode_texts(tokenizer, texts) == [ids for ids, _ in whole]

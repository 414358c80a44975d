from __future__ import annotations

import json
from collections.abc import Callable
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
    """Load the tokenizer of a family, anew at each call."""
    folders: dict[str, Path] = {}

    def load(family: str) -> Any:
        if family not in folders:
            folders[family] = tiny_checkpoint(tmp_path_factory.mktemp(family), family)
        return load_tokenizer(folders[family])

    return load


@pytest.mark.parametrize(
    ("family", "prefix", "suffix", "mask", "pad"),
    [
        ("albert", "[CLS]", "[SEP]", "[MASK]", "<pad>"),
        ("bert", "[CLS]", "[SEP]", "[MASK]", "[PAD]"),
        ("camembert", "<s>", "</s>", "<mask>", "<pad>"),
        ("deberta-v2", "[CLS]", "[SEP]", "[MASK]", "[PAD]"),
        ("distilbert", "[CLS]", "[SEP]", "[MASK]", "[PAD]"),
        ("electra", "[CLS]", "[SEP]", "[MASK]", "[PAD]"),
        ("modernbert", "[CLS]", "[SEP]", "[MASK]", "[PAD]"),
        ("mpnet", "<s>", "</s>", "<mask>", "<pad>"),
        ("roberta", "<s>", "</s>", "<mask>", "<pad>"),
        ("xlm-roberta", "<s>", "</s>", "<mask>", "<pad>"),
    ],
)
def test_special_tokens_frame_a_text_as_the_tokenizer_does(
    load: Load, family: str, prefix: str, suffix: str, mask: str, pad: str
) -> None:
    tokenizer = load(family)
    found = special_tokens(tokenizer)
    known = tokenizer.get_vocab()
    assert (found.prefix, found.suffix) == ((known[prefix],), (known[suffix],))
    assert (found.mask, found.pad) == (known[mask], known[pad])
    assert {*found.prefix, *found.suffix, found.mask, found.pad} <= set(found.reserved)
    assert found.reserved == tuple(sorted(tokenizer.all_special_ids))
    text = sample_texts(1)[0]
    (ids,) = encode_texts(tokenizer, [text])
    assert [*found.prefix, *ids, *found.suffix] == tokenizer(text)["input_ids"]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_literal_control_token_in_a_text_is_text(load: Load, family: str) -> None:
    tokenizer = load(family)
    literals = tokenizer.all_special_tokens
    texts = [f"the clock {token} the boat" for token in literals]
    texts += [f"the clock{token}the boat" for token in literals]
    control = set(tokenizer.all_special_ids) - {tokenizer.unk_token_id}
    found = [
        text
        for text, ids in zip(texts, encode_texts(tokenizer, texts), strict=True)
        if control & set(ids)
    ]
    assert found == []


@pytest.mark.parametrize("family", FAMILIES)
def test_encoding_leaves_the_tokenizer_as_it_was(load: Load, family: str) -> None:
    tokenizer = load(family)
    backend = tokenizer.backend_tokenizer
    backend.enable_truncation(max_length=7)
    backend.enable_padding(length=9)
    before = (backend.truncation, backend.padding, backend.encode_special_tokens)
    text = sample_texts(1)[0]
    (ids,) = encode_texts(tokenizer, [text])
    assert len(ids) > 20
    assert (backend.truncation, backend.padding, backend.encode_special_tokens) == before
    masked = tokenizer(tokenizer.mask_token, add_special_tokens=False)["input_ids"]
    assert tokenizer.mask_token_id in masked


@pytest.mark.parametrize("family", FAMILIES)
def test_offsets_cover_every_character_that_is_not_blank(load: Load, family: str) -> None:
    text = "There, by the  harbour,\nstood a qrz-42 (x1)!"
    ((ids, offsets),) = encode_with_offsets(load(family), [text])
    covered = {place for start, stop in offsets for place in range(start, stop)}
    assert len(ids) == len(offsets)
    assert {text[place] for place in set(range(len(text))) - covered} <= {" ", "\n"}


@pytest.mark.parametrize("family", FAMILIES)
def test_fingerprint_changes_with_the_normaliser(load: Load, family: str) -> None:
    tokenizer = load(family)
    before = fingerprint(tokenizer)
    tokenizer.backend_tokenizer.normalizer = normalizers.Lowercase()
    assert fingerprint(tokenizer) != before


def test_fingerprint_changes_with_the_vocabulary_and_the_special_tokens(load: Load) -> None:
    plain, longer, special = load("bert"), load("bert"), load("bert")
    longer.add_tokens(["quokka"])
    special.add_special_tokens({"mask_token": "the"})
    assert len({fingerprint(tokenizer) for tokenizer in (plain, longer, special)}) == 3


def test_a_folder_without_a_tokenizer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BaseModelError, match="no usable tokenizer"):
        load_tokenizer(tmp_path)


def test_a_tokenizer_without_a_mask_token_is_refused(tmp_path: Path) -> None:
    tiny_checkpoint(tmp_path, "modernbert")
    path = tmp_path / "tokenizer_config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    del config["mask_token"]
    path.write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(BaseModelError, match="no mask token"):
        load_tokenizer(tmp_path)

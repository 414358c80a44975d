from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

from domainbert.errors import BaseModelError
from domainbert.model.load import LoadedModel
from domainbert.tokenizer.load import encode_texts
from domainbert.tokenizer.wordpiece import (
    check_wordpiece,
    cut_word,
    split_words,
)

Load = Callable[..., LoadedModel]


def test_words_and_pieces_are_those_of_the_tokenizer(plain: Any) -> None:
    text = "The boat, the zy-boat_x; abbab 中文 é"
    words = ["The", "boat", ",", "the", "zy", "-", "boat", "_", "x", ";", "abbab", "中", "文", "é"]
    assert split_words(plain, text) == words
    assert cut_word(plain, "abbab") == ("abba", "##b")
    assert cut_word(plain, "é") == (plain.unk_token,)
    known = plain.get_vocab()
    ids = [known[piece] for word in words for piece in cut_word(plain, word)]
    assert encode_texts(plain, [text]) == [ids]


@pytest.mark.parametrize(("family", "kind"), [("roberta", "BPE"), ("albert", "Unigram")])
def test_other_families_are_refused_with_the_reason(load: Load, family: str, kind: str) -> None:
    with pytest.raises(BaseModelError, match=rf"of the kind {kind}; only WordPiece .* Leave"):
        check_wordpiece(load(family).tokenizer)


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ({"normalizer": {"type": "Lowercase"}}, "lets private-use characters pass"),
        ({"pre_tokenizer": {"type": "Whitespace"}}, "splits words by Whitespace, not by"),
        # Newer than the splitter's tables.
        ({"entry": "##\u061d"}, "does not cut words at '\u061d' as BERT does"),
    ],
)
def test_other_rules_are_refused(plain: Any, parts: dict[str, Any], reason: str) -> None:
    spec = json.loads(plain.backend_tokenizer.to_str())
    parts = dict(parts)
    if entry := parts.pop("entry", ""):
        spec["model"]["vocab"][entry] = len(plain)
    tokenizer = Tokenizer.from_str(json.dumps(spec | parts))
    changed = PreTrainedTokenizerFast(tokenizer_object=tokenizer, **plain.special_tokens_map)
    with pytest.raises(BaseModelError, match=reason):
        check_wordpiece(changed)

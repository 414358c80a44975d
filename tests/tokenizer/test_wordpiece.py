from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from tokenizers import Regex, Tokenizer, normalizers, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from domainbert.errors import BaseModelError
from domainbert.model.load import LoadedModel
from domainbert.tokenizer.load import encode_texts
from domainbert.tokenizer.wordpiece import INSIDE, open_words, unused_mark

Load = Callable[..., LoadedModel]


def changed(tokenizer: Any, **parts: Any) -> Any:
    spec = json.loads(tokenizer.backend_tokenizer.to_str())
    spec |= parts
    return PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(json.dumps(spec)), **tokenizer.special_tokens_map
    )


def test_words_and_pieces_are_those_of_the_tokenizer(plain: Any) -> None:
    words = open_words(plain)
    text = "The boat, the zy-boat_x; abbab 中文 é"
    assert words.split(text) == [
        "The", "boat", ",", "the", "zy", "-", "boat", "_", "x", ";", "abbab", "中", "文", "é",
    ]  # fmt: skip
    assert words.pieces("abbab") == ("abba", "##b")
    assert words.pieces("é") == (words.unknown,)
    known = plain.get_vocab()
    ids = [known[piece] for word in words.split(text) for piece in words.pieces(word)]
    assert encode_texts(plain, [text]) == [ids]


def test_a_token_that_was_added_keeps_words_from_being_candidates(load: Load) -> None:
    tokenizer = load().tokenizer
    tokenizer.add_tokens(["quok"])
    assert open_words(tokenizer).untouched(["quokka", "quaver", "zebra"]) == {"quaver", "zebra"}


@pytest.mark.parametrize(
    ("family", "kind"),
    [("roberta", "BPE"), ("modernbert", "BPE"), ("albert", "Unigram"), ("deberta-v2", "Unigram")],
)
def test_other_families_are_refused_with_the_reason(load: Load, family: str, kind: str) -> None:
    with pytest.raises(BaseModelError, match=rf"of the kind {kind}; only WordPiece .* Leave"):
        open_words(load(family).tokenizer)


def test_a_normaliser_that_lets_marks_pass_is_refused(plain: Any) -> None:
    for normaliser in (None, {"type": "Lowercase"}):
        with pytest.raises(BaseModelError, match="lets private-use characters pass"):
            open_words(changed(plain, normalizer=normaliser))


def test_another_splitter_is_refused(plain: Any) -> None:
    with pytest.raises(BaseModelError, match="it splits words by Whitespace, not by"):
        open_words(changed(plain, pre_tokenizer={"type": "Whitespace"}))


def test_a_vocabulary_with_punctuation_that_is_cut_otherwise_is_refused(plain: Any) -> None:
    model = json.loads(plain.backend_tokenizer.to_str())["model"]
    model["vocab"]["##\u061d"] = len(model["vocab"])  # newer than the splitter's tables
    with pytest.raises(BaseModelError, match="does not cut words at '\u061d' as BERT does"):
        open_words(changed(plain, model=model))


def test_the_class_of_characters_is_the_splitters_but_for_newer_punctuation() -> None:
    splitter = pre_tokenizers.BertPreTokenizer()
    inside = normalizers.Replace(Regex(INSIDE), "")
    everyday = [chr(code) for code in range(0x3100) if chr(code).isprintable()]
    odd = {
        character
        for character in everyday
        if (inside.normalize_str(character) == "")
        != (len(splitter.pre_tokenize_str(f"a{character}a")) == 1)
    }
    # Characters that the two libraries class otherwise; none is in a published vocabulary.
    assert not any(character.isascii() or character.isalnum() for character in odd)
    assert len(odd) < 60


def test_the_mark_is_in_no_entry(load: Load) -> None:
    tokenizer = load().tokenizer
    assert unused_mark(tokenizer) == "\ue000"
    tokenizer.add_tokens(["x\ue000", "\ue001"])
    assert unused_mark(tokenizer) == "\ue002"

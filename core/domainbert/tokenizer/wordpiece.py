"""The words of a WordPiece tokenizer: where it cuts text into words, and a word into pieces."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import chain
from typing import Any

from domainbert.batching import batched
from domainbert.errors import BaseModelError
from domainbert.tokenizer.load import PRIVATE_USE, encode_texts

# Characters inside a word for the pre-tokeniser of BERT, as a class of regular expressions: it
# cuts at white space and at the punctuation of ASCII and of Unicode.
INSIDE = r"[^\s\p{P}$+<=>^`|~]"


def split_words(tokenizer: Any, text: str) -> list[str]:
    """Return the words of a text, normalised."""
    backend = tokenizer.backend_tokenizer
    normal = backend.normalizer.normalize_str(text)
    return [word for word, _ in backend.pre_tokenizer.pre_tokenize_str(normal)]


def cut_word(tokenizer: Any, word: str) -> tuple[str, ...]:
    """Return the pieces of one normalised word."""
    return tuple(token.value for token in tokenizer.backend_tokenizer.model.tokenize(word))


def count_words(tokenizer: Any, texts: Iterable[str]) -> Counter[str]:
    """Return how often each word occurs in texts."""
    return Counter(chain.from_iterable(split_words(tokenizer, text) for text in texts))


def untouched_words(tokenizer: Any, words: Iterable[str]) -> set[str]:
    """Return the words that the whole tokenizer cuts as its model does.

    Tokens that someone added to the tokenizer may cut a word before the model sees it.
    """
    ids = tokenizer.get_vocab()
    return {
        word
        for group in batched(words, 10_000)
        for word, row in zip(group, encode_texts(tokenizer, group), strict=True)
        if row == [ids[piece] for piece in cut_word(tokenizer, word)]
    }


def check_wordpiece(tokenizer: Any) -> None:
    """Refuse a tokenizer whose vocabulary cannot be extended.

    Raises:
        BaseModelError: It is of another family, or cuts text into words in another way than BERT.
    """
    backend = tokenizer.backend_tokenizer
    kind, splitter = type(backend.model).__name__, type(backend.pre_tokenizer).__name__
    mark = chr(PRIVATE_USE[0])
    reason = ""
    if kind != "WordPiece":
        reason = f"it is of the kind {kind}; only WordPiece vocabularies, as of BERT, can be"
    elif backend.normalizer is None or mark in backend.normalizer.normalize_str(f"a{mark}b"):
        reason = "its normaliser lets private-use characters pass"
    elif splitter != "BertPreTokenizer":
        reason = f"it splits words by {splitter}, not by BertPreTokenizer"
    elif odd := odd_characters(backend, set("".join(backend.get_vocab(with_added_tokens=False)))):
        # A character outside the vocabulary makes its whole word unknown, before and after.
        reason = f"it does not cut words at {odd[0]!r} as BERT does"
    if reason:
        raise BaseModelError(
            f"the tokenizer cannot be extended: {reason}. Leave `vocabulary:` out, or take a base "
            "with the tokenizer of BERT."
        )


def odd_characters(backend: Any, characters: Iterable[str]) -> list[str]:
    """Return the characters at which a tokenizer cuts though `INSIDE` does not, or the reverse."""
    from tokenizers import Regex, normalizers

    inside, splitter = normalizers.Replace(Regex(INSIDE), ""), backend.pre_tokenizer
    return [
        character
        for character in sorted(characters)
        if (inside.normalize_str(character) == "")
        != (len(splitter.pre_tokenize_str(f"a{character}a")) == 1)
    ]


def unused_mark(tokenizer: Any) -> str:
    """Return a character that no text can bring in; neither it nor those behind it are in use."""
    taken = {ord(c) for c in set("".join(tokenizer.get_vocab()))}.intersection(PRIVATE_USE)
    return chr(max(taken, default=PRIVATE_USE[0] - 1) + 1)

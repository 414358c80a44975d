"""The words of a WordPiece tokenizer: where it cuts text into words, and a word into pieces."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from domainbert.batching import batched
from domainbert.errors import BaseModelError
from domainbert.tokenizer.load import PRIVATE_USE, encode_texts

# What stands inside a word for the pre-tokeniser of BERT, as a class of regular expressions: it
# cuts at white space and at the punctuation of ASCII and of Unicode.
INSIDE = r"[^\s\p{P}$+<=>^`|~]"


@dataclass(frozen=True)
class WordPieces:
    """A WordPiece tokenizer seen as words and pieces; made by `open_words`.

    Args:
        tokenizer: The fast tokenizer of transformers.
        prefix: Of pieces inside a word, `##`.
        longest: Characters of the longest word that is not unknown.
        unknown: The unknown token.
    """

    tokenizer: Any
    prefix: str
    longest: int
    unknown: str

    def split(self, text: str) -> list[str]:
        """Return the words of a text, normalised."""
        backend = self.tokenizer.backend_tokenizer
        normal = backend.normalizer.normalize_str(text)
        return [word for word, _ in backend.pre_tokenizer.pre_tokenize_str(normal)]

    def pieces(self, word: str) -> tuple[str, ...]:
        """Return the pieces of one normalised word."""
        model = self.tokenizer.backend_tokenizer.model
        return tuple(token.value for token in model.tokenize(word))

    def count(self, texts: Iterable[str]) -> Counter[str]:
        """Count the words of texts."""
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(self.split(text))
        return counts

    def untouched(self, words: Iterable[str]) -> set[str]:
        """Return the words which the whole tokenizer cuts as its model does.

        Tokens that someone added to the tokenizer may cut a word before the model sees it.
        """
        ids = self.tokenizer.get_vocab()
        kept = set()
        for group in batched(words, 10_000):
            for word, found in zip(group, encode_texts(self.tokenizer, group), strict=True):
                if found == [ids[piece] for piece in self.pieces(word)]:
                    kept.add(word)
        return kept


def open_words(tokenizer: Any) -> WordPieces:
    """Check that a tokenizer can be extended, and look at its words.

    Raises:
        BaseModelError: It is of another family, or cuts text into words in another way than BERT.
    """
    model = tokenizer.backend_tokenizer.model
    kind = type(model).__name__
    if kind != "WordPiece":
        raise BaseModelError(
            f"the tokenizer is of the kind {kind}; only WordPiece vocabularies (BERT, DistilBERT, "
            "ELECTRA, MPNet) can be extended yet. A piece that is added to another kind also "
            "changes words that hold it. Leave `vocabulary:` out, or take a base with WordPiece."
        )
    _check_splitting(tokenizer.backend_tokenizer)
    return WordPieces(
        tokenizer,
        model.continuing_subword_prefix,
        int(model.max_input_chars_per_word),
        model.unk_token,
    )


def unused_mark(tokenizer: Any) -> str:
    """Return a character that is in no entry and that no text can bring in."""
    taken = set("".join(tokenizer.get_vocab()))
    return next(chr(code) for code in PRIVATE_USE if chr(code) not in taken)


def _check_splitting(backend: Any) -> None:
    from tokenizers import Regex, normalizers

    reason = None
    splitter = backend.pre_tokenizer
    mark = chr(PRIVATE_USE[0])
    if backend.normalizer is None or mark in backend.normalizer.normalize_str(f"a{mark}b"):
        reason = "its normaliser lets private-use characters pass"
    elif type(splitter).__name__ != "BertPreTokenizer":
        reason = f"it splits words by {type(splitter).__name__}, not by BertPreTokenizer"
    else:
        # A character outside the vocabulary makes its whole word unknown, before and after.
        known = sorted(set("".join(backend.get_vocab(with_added_tokens=False))))
        is_inside = normalizers.Replace(Regex(INSIDE), "")
        odd = [
            character
            for character in known
            if (is_inside.normalize_str(character) == "")
            != (len(splitter.pre_tokenize_str(f"a{character}a")) == 1)
        ]
        if odd:
            reason = f"it does not cut words at {odd[0]!r} as BERT does"
    if reason:
        raise BaseModelError(
            f"the tokenizer cannot be extended: {reason}. Leave `vocabulary:` out."
        )

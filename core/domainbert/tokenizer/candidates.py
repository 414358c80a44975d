"""Which words may be given an entry: words of the field's terms, and words mined from its text."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from domainbert.tokenizer.wordpiece import WordPieces

# Longer words of a text are sequences, file contents or typing errors rather than words.
_LONGEST_MINED = 40
_FATES = ("usable", "absent", "whole", "unknown", "duplicate", "blank", "control", "special")
_WORD = re.compile(r"\w*[^\W\d_]\w*")


@dataclass(frozen=True)
class Candidates:
    """Words that an entry would shorten.

    Args:
        pieces: What each is cut into now, at least two.
        counts: How often each occurs, at least once.
        term_words: Those that are in a term.
        terms: What became of the terms; `read` is the sum of the others. `usable`: a word of it is
            a candidate; `absent`: none of its words that could be one occurs; `whole`: every word
            is one piece already; `unknown`: a word has signs that the vocabulary lacks.
        tokens: All words of the text in pieces, as they are cut now.
    """

    pieces: dict[str, tuple[str, ...]]
    counts: Counter[str]
    term_words: frozenset[str]
    terms: dict[str, int]
    tokens: int


def find_candidates(
    words: WordPieces, counts: Counter[str], terms: Iterable[str], min_frequency: int | None
) -> Candidates:
    """Collect the candidates of a text.

    Args:
        words: Of the tokenizer.
        counts: Words of the text that is trained on.
        terms: The field's lexicon.
        min_frequency: Mine words that occur at least so often; None takes words of terms alone.
    """
    pieces = {word: words.pieces(word) for word in counts}
    tokens = sum(count * len(pieces[word]) for word, count in counts.items())
    suitable = [word for word in pieces if is_suitable(words, word) and len(pieces[word]) > 1]
    untouched = words.untouched(suitable)
    of_terms, fates = sort_terms(words, terms, untouched)
    chosen = sorted(
        word for word in untouched if word in of_terms or _is_mined(word, counts, min_frequency)
    )
    return Candidates(
        pieces={word: pieces[word] for word in chosen},
        counts=Counter({word: counts[word] for word in chosen}),
        term_words=frozenset(of_terms),
        terms=fates,
        tokens=tokens,
    )


def _is_mined(word: str, counts: Counter[str], min_frequency: int | None) -> bool:
    return (
        min_frequency is not None and counts[word] >= min_frequency and len(word) <= _LONGEST_MINED
    )


def is_suitable(words: WordPieces, word: str) -> bool:
    """Tell whether a word may become an entry: letters and digits, at least one letter.

    Words with other signs are left alone: held-out text is hidden word by word, and what counts as
    a word there must not be joined to a sign beside it.
    """
    return len(word) < words.longest and _WORD.fullmatch(word) is not None


def sort_terms(
    words: WordPieces, terms: Iterable[str], usable: set[str]
) -> tuple[set[str], dict[str, int]]:
    """Return the usable words of terms, and what became of every term.

    Args:
        words: Of the tokenizer.
        terms: As written; none of them is an error.
        usable: Words of the text that an entry could shorten.
    """
    fates = dict.fromkeys(("read", *_FATES), 0)
    found: set[str] = set()
    seen: set[tuple[str, ...]] = set()
    specials = words.tokenizer.all_special_tokens
    for term in terms:
        fates["read"] += 1
        parts = tuple(words.split(term))
        fate = _trouble(term, parts, specials, seen)
        if fate is None:
            seen.add(parts)
            found |= usable.intersection(parts)
            fate = _use(words, parts, usable)
        fates[fate] += 1
    return found, fates


def _use(words: WordPieces, parts: tuple[str, ...], usable: set[str]) -> str:
    if not usable.isdisjoint(parts):
        return "usable"
    pieces = [words.pieces(part) for part in parts]
    if (words.unknown,) in pieces:
        return "unknown"
    return "whole" if all(len(found) == 1 for found in pieces) else "absent"


def _trouble(
    term: str, parts: tuple[str, ...], specials: list[str], seen: set[tuple[str, ...]]
) -> str | None:
    if not term.strip():
        return "blank"
    if any(token in term for token in specials):
        return "special"
    if any(unicodedata.category(character).startswith("C") for character in term):
        return "control"
    if not parts:
        return "blank"
    return "duplicate" if parts in seen else None

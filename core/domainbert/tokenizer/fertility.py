"""How a tokenizer cuts up the words of a field, and which words cost most."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from domainbert.tokenizer.wordpiece import WordPieces


@dataclass(frozen=True)
class Fertility:
    """Counts over words, each as often as it occurs.

    Args:
        words: Words.
        pieces: Pieces of them.
        split: Words of more than one piece.
        unknown: Words that cannot be put together from pieces.
        distinct: Different words.
    """

    words: int
    pieces: int
    split: int
    unknown: int
    distinct: int

    @property
    def pieces_per_word(self) -> float:
        """Mean number of pieces; 0 without words."""
        return self.pieces / self.words if self.words else 0.0


@dataclass(frozen=True)
class CostlyWord:
    """A word that is cut up.

    Args:
        word: Normalised.
        count: How often it occurs.
        pieces: What it is cut into.
        term: Whether a term of the field holds it.
    """

    word: str
    count: int
    pieces: tuple[str, ...]
    term: bool

    @property
    def cost(self) -> int:
        """Frequency times pieces."""
        return self.count * len(self.pieces)


def measure_fertility(words: WordPieces, counts: Counter[str]) -> Fertility:
    """Count words and pieces."""
    pieces = split = unknown = 0
    for word, count in counts.items():
        found = words.pieces(word)
        pieces += count * len(found)
        split += count * (len(found) > 1)
        unknown += count * (found == (words.unknown,))
    return Fertility(counts.total(), pieces, split, unknown, len(counts))


def costliest_words(
    words: WordPieces, counts: Counter[str], terms: Iterable[str], most: int
) -> tuple[CostlyWord, ...]:
    """Return the words that are cut up with the highest frequency × pieces.

    Args:
        words: Of the tokenizer.
        counts: Words of a text.
        terms: Words of the field's terms.
        most: How many.
    """
    known = set(terms)
    found = [
        CostlyWord(word, count, pieces, word in known)
        for word, count in counts.items()
        if len(pieces := words.pieces(word)) > 1
    ]
    return tuple(sorted(found, key=lambda item: (-item.cost, item.word))[:most])

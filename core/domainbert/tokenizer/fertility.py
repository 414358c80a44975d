"""Fertility: into how many pieces a tokenizer cuts the words of a field, and which cost most."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from domainbert.tokenizer.wordpiece import WordPieces


def measure_fertility(words: WordPieces, counts: Counter[str]) -> dict[str, Any]:
    """Return counts over words, each as often as it occurs: words, pieces, split, unknown.

    `distinct` counts different words; `pieces_per_word` is the fertility, 0 without words.
    """
    sums = Counter({"words": counts.total(), "pieces": 0, "split": 0, "unknown": 0})
    for word, count in counts.items():
        pieces = words.pieces(word)
        sums["pieces"] += count * len(pieces)
        sums["split"] += count * (len(pieces) > 1)
        sums["unknown"] += count * (pieces == (words.unknown,))
    fertility = sums["pieces"] / sums["words"] if counts else 0.0
    return {**sums, "distinct": len(counts), "pieces_per_word": fertility}


def costliest_words(
    words: WordPieces, counts: Counter[str], terms: Iterable[str], most: int
) -> list[dict[str, Any]]:
    """Return the words of several pieces with the highest cost, frequency × pieces.

    Args:
        words: Of the tokenizer.
        counts: Words of a text.
        terms: Words of the field's terms.
        most: Length of the list.
    """
    of_terms = set(terms)
    rows: list[dict[str, Any]] = [
        {"word": word, "count": count, "pieces": pieces, "term": word in of_terms,
         "cost": count * len(pieces)}
        for word, count in counts.items()
        if len(pieces := words.pieces(word)) > 1
    ]  # fmt: skip
    return sorted(rows, key=lambda row: (-row["cost"], row["word"]))[:most]

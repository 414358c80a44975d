"""Fertility: into how many pieces a tokenizer cuts the words of a field, and which cost most."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container
from typing import Any

from domainbert.tokenizer.wordpiece import cut_word


def measure_fertility(tokenizer: Any, counts: Counter[str]) -> dict[str, Any]:
    """Return counts over words, each as often as it occurs: words, pieces, split, unknown.

    `distinct` counts different words; `pieces_per_word` is the fertility, 0 without words.
    """
    sums = Counter({"words": counts.total(), "pieces": 0, "split": 0, "unknown": 0})
    for word, count in counts.items():
        pieces = cut_word(tokenizer, word)
        sums["pieces"] += count * len(pieces)
        sums["split"] += count * (len(pieces) > 1)
        sums["unknown"] += count * (pieces == (tokenizer.unk_token,))
    fertility = sums["pieces"] / sums["words"] if counts else 0.0
    return {**sums, "distinct": len(counts), "pieces_per_word": fertility}


def costliest_words(
    tokenizer: Any, counts: Counter[str], of_terms: Container[str], most: int
) -> list[dict[str, Any]]:
    """Return the words of several pieces with the highest cost, frequency × pieces.

    Args:
        tokenizer: Cuts words into pieces.
        counts: Words of a text.
        of_terms: Words of the field's terms.
        most: Length of the list.
    """
    rows: list[dict[str, Any]] = [
        {"word": word, "count": count, "pieces": pieces, "term": word in of_terms,
         "cost": count * len(pieces)}
        for word, count in counts.items()
        if len(pieces := cut_word(tokenizer, word)) > 1
    ]  # fmt: skip
    return sorted(rows, key=lambda row: (-row["cost"], row["word"]))[:most]

"""Fertility: into how many pieces a tokenizer cuts the words of a field, and which cost most."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container
from typing import Any

from domainbert.tokenizer.wordpiece import cut_word
from domainbert.words import word_spans


def measure_fertility(tokenizer: Any, counts: Counter[str]) -> dict[str, Any]:
    """Return counts over words, each as often as it occurs: words, pieces, split, unknown.

    Where the tokenizer takes several words for one, as in scripts without blanks, each counts with
    the pieces that begin in it. `distinct` counts different words; `pieces_per_word` is the
    fertility, 0 without words.
    """
    sums, different = Counter({"words": 0, "pieces": 0, "split": 0, "unknown": 0}), set[str]()
    for run, count in counts.items():
        pieces = tokenizer.backend_tokenizer.model.tokenize(run)
        unknown = [piece.value for piece in pieces] == [tokenizer.unk_token]
        starts = [piece.offsets[0] for piece in pieces]
        spans = word_spans(run)
        sizes = [sum(first <= start < last for start in starts) for first, last in spans]
        sums["words"] += count * len(spans)
        sums["pieces"] += count * sum(sizes)
        sums["split"] += count * sum(size > 1 for size in sizes)
        sums["unknown"] += count * len(spans) * unknown
        different.update(run[first:last] for first, last in spans)
    fertility = sums["pieces"] / sums["words"] if sums["words"] else 0.0
    return {**sums, "distinct": len(different), "pieces_per_word": fertility}


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

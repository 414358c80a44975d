"""Entity scores, by seqeval.

Two readings of the same tags are in use. *Strict* (the headline): a mention exists only if it is
well-formed IOB2, and counts if start, end and type are right. *Default* (conlleval): an `I-` may
open a mention. They differ by a point of F1 on noisy predictions, so both are reported by name.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Tags = Sequence[Sequence[str]]


def score_entities(gold: Tags, predicted: Tags) -> dict[str, float]:
    """Score predicted tags against gold tags in IOB2.

    Returns:
        `f1_strict`, the headline, `precision_strict`, `recall_strict`, and `f1_default` as
        conlleval counts; micro-averaged, 0 to 1.

    Raises:
        ValueError: The two differ in the number of sentences or words.
    """
    from seqeval.metrics import f1_score
    from seqeval.metrics.v1 import precision_recall_fscore_support
    from seqeval.scheme import IOB2

    entity_counts(gold, predicted)  # checks the shapes
    gold_list, predicted_list = [list(s) for s in gold], [list(s) for s in predicted]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # undefined scores are zero here, as zero_division says
        precision, recall, f1, _ = precision_recall_fscore_support(
            gold_list, predicted_list, average="micro", scheme=IOB2, zero_division=0
        )
        default = f1_score(gold_list, predicted_list, average="micro", zero_division=0)
    return {
        "f1_strict": float(f1),
        "precision_strict": float(precision),
        "recall_strict": float(recall),
        "f1_default": float(default),
    }


def entity_counts(gold: Tags, predicted: Tags) -> NDArray[np.int64]:
    """Return (right, predicted, gold) strict mentions of each sentence; int64, shape (N, 3).

    Raises:
        ValueError: The two differ in the number of sentences or words.
    """
    if len(gold) != len(predicted):
        raise ValueError(f"{len(gold)} gold sentences, {len(predicted)} predicted")
    rows = []
    for number, (true, guess) in enumerate(zip(gold, predicted, strict=True)):
        if len(true) != len(guess):
            raise ValueError(f"sentence {number}: {len(true)} gold tags, {len(guess)} predicted")
        right, guessed = spans(true), spans(guess)
        rows.append((len(right & guessed), len(guessed), len(right)))
    return np.array(rows, dtype=np.int64).reshape(-1, 3)


def spans(tags: Sequence[str]) -> set[tuple[int, int, str]]:
    """Return the well-formed IOB2 mentions as (first word, end word, type)."""
    found = set()
    start = None
    for place, tag in enumerate([*tags, "O"]):
        inside = start is not None and tag == "I-" + tags[start][2:]
        if start is not None and not inside:
            found.add((start, place, tags[start][2:]))
            start = None
        if tag.startswith("B-"):
            start = place
    return found

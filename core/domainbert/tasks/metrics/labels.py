"""Scores of classes: one class a record, any number of them, and classes that contain others.

Macro averages are over the classes that are true of some record of the split, for every model
alike; a class that only a model names lowers no class's precision but is an error where it stands.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Labels = Sequence[Sequence[str]]
CUTS = (1, 3, 5)


def score_single(gold: Labels, predicted: Labels) -> dict[str, float]:
    """Score one class a record: macro F1, accuracy, micro F1, Matthews' correlation."""
    from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef

    true, said = [g[0] for g in gold], [p[0] for p in predicted]
    classes = sorted(set(true))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one class alone has no correlation; it is zero here
        correlation = matthews_corrcoef(true, said)
    return {
        "f1_macro": float(f1_score(true, said, labels=classes, average="macro", zero_division=0)),
        "accuracy": float(accuracy_score(true, said)),
        "f1_micro": float(f1_score(true, said, average="micro", zero_division=0)),
        "mcc": float(correlation),
    }


def score_multi(gold: Labels, predicted: Labels, rankings: Labels) -> dict[str, float]:
    """Score any number of classes a record.

    Micro and macro F1 are of the predicted sets. Precision at k is the share of the k best ranked
    classes that are true, averaged over records; recall at k the share of a record's true classes
    among them. `top1_f1` is the F1 of Lee and Hsiang 2019 (arXiv 1906.02124): of the single best
    class of each record, precision over records, recall over all true classes.
    """
    counts_NK3 = counts_by_class(gold, predicted)
    right, said, true = counts_NK3.sum(axis=(0, 1)).tolist()
    by_class_K3 = counts_NK3.sum(axis=0)
    occurring_K3 = by_class_K3[by_class_K3[:, 2] > 0]
    f1_K = 2 * occurring_K3[:, 0] / (occurring_K3[:, 1] + occurring_K3[:, 2])
    scores = {
        "f1_micro": _ratio(2 * right, said + true),
        "f1_macro": float(f1_K.mean()) if len(f1_K) else 0.0,
        "precision_micro": _ratio(right, said),
        "recall_micro": _ratio(right, true),
    }
    for k in CUTS:
        hits = [len(set(g) & set(r[:k])) for g, r in zip(gold, rankings, strict=True)]
        shares = [hit / len(g) for hit, g in zip(hits, gold, strict=True) if g]
        scores[f"precision_at_{k}"] = float(np.mean(hits)) / k
        scores[f"recall_at_{k}"] = float(np.mean(shares)) if shares else 0.0
    best = sum(bool(r) and r[0] in g for g, r in zip(gold, rankings, strict=True))
    scores["top1_f1"] = _ratio(2 * best, len(gold) + true)
    return scores


def score_level(level: str, length: int, gold: Labels, predicted: Labels) -> dict[str, float]:
    """Score the sets of prefixes of a given length."""
    above = [sorted({label[:length] for label in labels}) for labels in gold]
    said = [sorted({label[:length] for label in labels}) for labels in predicted]
    right, guessed, true = counts_by_class(above, said).sum(axis=(0, 1)).tolist()
    return {f"f1_micro@{level}": _ratio(2 * right, guessed + true)}


def counts_by_class(gold: Labels, predicted: Labels) -> NDArray[np.int64]:
    """Return (right, predicted, gold) of each record and class; int64, shape (N, K, 3).

    The classes are those that are true of some record, sorted, and a last one that gathers all that
    are only predicted.
    """
    classes = {name: number for number, name in enumerate(sorted({c for g in gold for c in g}))}
    counts = np.zeros((len(gold), len(classes) + 1, 3), dtype=np.int64)
    for row, (true, said) in enumerate(zip(gold, predicted, strict=True)):
        for name in said:
            counts[row, classes.get(name, len(classes)), 1] += 1
        for name in true:
            counts[row, classes[name], 2] += 1
            counts[row, classes[name], 0] += name in said
    return counts


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0

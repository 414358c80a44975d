"""Scores of classes: one per record, any number, and classes that contain others.

Macro averages are over the classes that are gold for some record of the split, for every model
alike; a class that only a model predicts is an error where it stands and has no F1 to average.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from domainbert.errors import DataError
from domainbert.plugin.domain import Prediction, Task
from domainbert.plugin.metric import Metric

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

CUTS = (1, 3, 5)


def f1(sums: NDArray[Any]) -> NDArray[np.float64]:
    """Return the F1 score; 0 where nothing is gold or predicted."""
    return ratio(2 * sums[..., 0], sums[..., 1] + sums[..., 2])


def recall(sums: NDArray[Any]) -> NDArray[np.float64]:
    """Return the share of gold labels that are predicted; 0 where nothing is gold."""
    return ratio(sums[..., 0], sums[..., 2])


def macro_f1(sums: NDArray[Any]) -> NDArray[np.float64]:
    """Return the mean F1 of the classes that occur, from sums of shape (..., K * 3)."""
    sums = sums.reshape(*sums.shape[:-1], -1, 3)
    occurs = (sums[..., 1] + sums[..., 2] > 0).sum(axis=-1)
    return ratio(f1(sums).sum(axis=-1), occurs)


def macro_recall(sums: NDArray[Any]) -> NDArray[np.float64]:
    """Return the mean recall of the gold classes, from sums of shape (..., K * 3)."""
    sums = sums.reshape(*sums.shape[:-1], -1, 3)
    return ratio(recall(sums).sum(axis=-1), (sums[..., 2] > 0).sum(axis=-1))


def share(sums: NDArray[Any]) -> NDArray[np.float64]:
    """Return the first count as a share of the second, from sums of shape (..., 2)."""
    return ratio(sums[..., 0], sums[..., 1])


def ratio(part: NDArray[Any], whole: NDArray[Any]) -> NDArray[np.float64]:
    """Return part / whole; 0 where the whole is 0."""
    import numpy as np

    return np.asarray(np.where(whole == 0, 0.0, part / np.where(whole == 0, 1, whole)))


def micro_counts(predictions: Sequence[Prediction]) -> NDArray[np.int64]:
    """Return (right, predicted, gold) classes per record; int64, shape (N, 3)."""
    sides = [(p.gold, p.predicted) for p in predictions]
    return _rows([(len({*gold} & {*guess}), len(guess), len(gold)) for gold, guess in sides])


def class_counts(predictions: Sequence[Prediction]) -> csr_array:
    """Return (right, predicted, gold) per record and class; sparse, int64, shape (N, K * 3).

    The K classes are those that are gold for some record, sorted. A record has few of them: as a
    dense array, 20,000 records of 20,000 classes would take 10 GB.
    """
    import numpy as np
    from scipy.sparse import csr_array

    number = {name: k for k, name in enumerate(sorted({c for p in predictions for c in p.gold}))}
    rows, columns = list[int](), list[int]()
    for row, prediction in enumerate(predictions):
        found = [3 * number[name] + 1 for name in prediction.predicted if name in number]
        for name in prediction.gold:
            right = name in prediction.predicted
            found += [3 * number[name] + 2, *([3 * number[name]] if right else [])]
        rows += [row] * len(found)
        columns += found
    ones, shape = np.ones(len(rows), dtype=np.int64), (len(predictions), 3 * len(number))
    return csr_array((ones, (rows, columns)), shape=shape)


def accuracy_counts(predictions: Sequence[Prediction]) -> NDArray[np.int64]:
    """Return per record whether its classes are right, and 1; int64, shape (N, 2)."""
    return _rows([({*p.gold} == {*p.predicted}, 1) for p in predictions])


def matthews(predictions: Sequence[Prediction]) -> float:
    """Return Matthews' correlation of one class per record; 0 where it is undefined.

    For more than two classes as Gorodkin 2004 (doi:10.1016/j.compbiolchem.2004.09.006), from sums
    over classes: scikit-learn's function makes a table of all pairs of classes.
    """
    if any(len(row) != 1 for p in predictions for row in (p.gold, p.predicted)):
        raise DataError("metric 'mcc' is for one class per record; take another for this task.")
    n_records, right = len(predictions), sum(p.gold == p.predicted for p in predictions)
    gold = Counter(p.gold[0] for p in predictions)
    guess = Counter(p.predicted[0] for p in predictions)
    shared = right * n_records - sum(gold[name] * guess[name] for name in gold)
    spreads = [n_records**2 - sum(n * n for n in side.values()) for side in (gold, guess)]
    return shared / math.sqrt(math.prod(spreads)) if all(spreads) else 0.0


def derived(metric: Metric, name: str, change: Callable[[Prediction], Prediction]) -> Metric:
    """Return a metric of predictions that a function changes first."""

    def changed(function: Any, predictions: Sequence[Prediction]) -> Any:
        return function([change(prediction) for prediction in predictions])

    made: Any = {key: getattr(metric, key) for key in ("counts", "of_sample", "check")}
    made = {key: function and partial(changed, function) for key, function in made.items()}
    return replace(metric, name=name, **made)


def at_level(metric: Metric, level: str, length: int) -> Metric:
    """Return a metric of the classes that prefixes of the labels name.

    The score of such a class is that of its best label.
    """

    def cut(labels: Sequence[str]) -> tuple[str, ...]:
        return tuple(sorted({label[:length] for label in labels}))

    def above(p: Prediction) -> Prediction:
        first: dict[str, int] = {}
        for place, label in enumerate(p.ranking):
            first.setdefault(label[:length], place)
        scores = tuple(p.scores[place] for place in first.values()) if p.scores else ()
        return Prediction(cut(p.gold), cut(p.predicted), tuple(first), scores=scores)

    return derived(metric, f"{metric.name}@{level}", above)


def hierarchical_counts(
    lengths: Sequence[int], predictions: Sequence[Prediction]
) -> NDArray[np.int64]:
    """Return (right, predicted, gold) classes with those above them per record; int64, (N, 3).

    Args:
        lengths: Of the prefixes that name the classes above.
        predictions: With labels.
    """

    def whole(labels: Sequence[str]) -> set[str]:
        return {*labels, *(label[:length] for label in labels for length in lengths)}

    sides = [(whole(p.gold), whole(p.predicted)) for p in predictions]
    return _rows([(len(gold & guess), len(guess), len(gold)) for gold, guess in sides])


def _with_levels(metric: Metric, task: Task) -> Metric:
    return replace(metric, counts=partial(hierarchical_counts, tuple(task.levels.values())))


def _top(k: int, prediction: Prediction) -> int:
    return len({*prediction.gold} & {*prediction.ranking[:k]})


def _hits(k: int, predictions: Sequence[Prediction]) -> NDArray[np.int64]:
    return _rows([(_top(k, p), k) for p in predictions])


def _recall(k: int, predictions: Sequence[Prediction]) -> NDArray[np.float64]:
    return _rows([(_top(k, p) / len(p.gold), 1.0) if p.gold else (0.0, 0.0) for p in predictions])


def _top1_counts(predictions: Sequence[Prediction]) -> NDArray[np.int64]:
    return _rows([(_top(1, p), 1, len(p.gold)) for p in predictions])


def _rows(rows: list[tuple[float, ...]]) -> Any:
    import numpy as np

    return np.array(rows)


def _fits_one(task: Task) -> str:
    return "is for one class per record" if task.multi_label else without_null(task)


def without_null(task: Task) -> str:
    """Return why a metric of every class suits no task with a null class, or an empty string."""
    return "would count the null_label as a class" if task.null_label else ""


_classes = partial(Metric, kinds=("classification",))
_further = partial(_classes, shown=False)
_SKLEARN: dict[str, Any] = {"checked": "scikit-learn"}
_MICRO: dict[str, Any] = _SKLEARN | {"source": "scikit-learn, `average='micro'`"}
_relations = partial(
    Metric, kinds=("relation",), source="scikit-learn, `average='micro'`, `labels=RELATIONS`",
    checked="scikit-learn",
)  # fmt: skip
_RANKED: dict[str, Any] = _SKLEARN | {
    "source": "Manning et al. 2008, ch. 8.4", "fits": without_null
}  # fmt: skip

METRICS = (
    _classes(
        "f1_macro", "Mean F1 of the classes", class_counts, macro_f1, **_SKLEARN,
        definition="Mean F1 of the classes that are gold for some record of the split, for every "
        "model alike.",
        source="scikit-learn, `average='macro'`, `labels=GOLD`",
    ),
    _classes(
        "accuracy", "Share of records with the right classes", accuracy_counts, share, **_SKLEARN,
        definition="Share of records whose classes are all right.",
        source="scikit-learn, `accuracy_score`",
    ),
    Metric(
        "choice_accuracy", "Share of questions with the right choice", accuracy_counts, share,
        kinds=("multiple-choice",), definition="Share of questions whose best choice is right.",
        source="scikit-learn, `accuracy_score`", checked="scikit-learn",
    ),
    _relations(
        "f1_relation", "F1 without the null class", micro_counts, f1,
        definition="Micro F1 over the classes that are relations; the null class counts in no sum.",
    ),
    _relations(
        "precision_relation", "Precision without the null class", micro_counts, share,
        definition="Share of the predicted relations that are right.",
    ),
    _relations(
        "recall_relation", "Recall without the null class", micro_counts, recall,
        definition="Share of the gold relations that are predicted.",
    ),
    _further(
        "f1_micro", "F1 over all decisions", micro_counts, f1, **_MICRO,
        definition="F1 over all pairs of record and class; with one class per record it is "
        "accuracy. With several, a class is predicted from one threshold on, the one with the best "
        "micro F1 on validation.",
    ),
    _classes(
        "mcc", "Matthews' correlation", of_sample=matthews, low=-1.0, fits=_fits_one, **_SKLEARN,
        definition="Correlation of predicted and gold classes; 0 for guessing.",
        source="Gorodkin 2004, doi:10.1016/j.compbiolchem.2004.09.006",
    ),
    _further(
        "precision_micro", "Precision over all decisions", micro_counts, share, **_MICRO,
        definition="Share of the predicted pairs of record and class that are right.",
    ),
    _further(
        "recall_micro", "Recall over all decisions", micro_counts, recall, **_MICRO,
        definition="Share of the gold pairs of record and class that are predicted.",
    ),
    _further(
        "balanced_accuracy", "Mean recall of the classes", class_counts, macro_recall, **_SKLEARN,
        definition="Mean recall of the classes that are gold for some record of the split.",
        source="scikit-learn, `balanced_accuracy_score`",
    ),
    *(
        _classes(
            f"precision_at_{k}", "", partial(_hits, k), share, shown=k == 1, **_RANKED,
            definition=f"Share of right classes among the {k} best ranked, mean over records.",
        )
        for k in CUTS
    ),
    *(
        Metric(
            f"recall_at_{k}", "", partial(_recall, k), share, shown=k in (5, 10), **_RANKED,
            kinds=("classification", "retrieval"),
            definition=f"Share of a record's gold classes, or relevant documents, among the {k} "
            "best ranked, mean over the records that have one.",
        )
        for k in (*CUTS, 10)
    ),
    _classes(
        "top1_f1", "F1 of the best-ranked class (arXiv 1906.02124)", _top1_counts, f1,
        fits=without_null,
        definition="F1 of the best-ranked class: precision over records, recall over all gold "
        "classes.",
        source="Lee and Hsiang 2019, arXiv 1906.02124", checked="counts by hand",
    ),
    _further(
        "f1_hierarchical", "F1 of classes and those above them", micro_counts, f1,
        of_task=_with_levels, fits=lambda task: "" if task.levels else "needs a task with `levels`",
        definition="Micro F1 of sets: each class brings the classes at all `levels` above it.",
        source="Kiritchenko et al. 2006, doi:10.1007/11766247_34", checked="brute force",
    ),
)  # fmt: skip

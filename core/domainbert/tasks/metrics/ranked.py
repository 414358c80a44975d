"""Scores of rankings: they need the scores of all classes, not only the predicted ones.

A class of training is ranked for every record. A gold class that training lacks has no score: it
has no curve, and counts as missed where records are averaged.

Legend: N records, C ranked classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from math import isfinite
from typing import TYPE_CHECKING, Any

from domainbert.plugin.domain import Prediction, Task
from domainbert.plugin.metric import Metric
from domainbert.tasks.metrics.labels import share, without_null

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SCORED = 50
"""Most classes of a task whose predictions have the scores of all."""


def unscored(predictions: Sequence[Prediction]) -> str:
    """Return why predictions lack scores of all classes, or an empty string."""
    classes = {*predictions[0].ranking} if predictions else set()
    number = sum(
        not p.scores or len(p.scores) != len(p.ranking) or {*p.ranking} != classes
        for p in predictions
    )
    reason = f"{number:,} of {len(predictions):,} predictions lack the scores of all classes"
    return f"{reason}; evaluate again" if number else ""


def odd_scores(prediction: Prediction) -> str:
    """Return why the scores of a prediction are none of its ranking, or an empty string."""
    scores = prediction.scores
    if scores and len(scores) != len(prediction.ranking):
        return f"{len(scores)} scores of {len(prediction.ranking)} ranked labels"
    if not all(map(isfinite, scores)):
        return "a score is not finite"
    falls = all(first >= second for first, second in pairwise(scores))
    return "" if falls else "the scores of the ranking do not fall"


def score_matrix(
    predictions: Sequence[Prediction],
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return scores, and whether a class is gold; both of shape (N, C), classes sorted."""
    import numpy as np

    number = {name: column for column, name in enumerate(sorted(predictions[0].ranking))}
    scores_NC = np.zeros((len(predictions), len(number)))
    gold_NC = np.zeros(scores_NC.shape, dtype=bool)
    for row, p in enumerate(predictions):
        scores_NC[row, [number[name] for name in p.ranking]] = p.scores
        gold_NC[row, [number[name] for name in p.gold if name in number]] = True
    return scores_NC, gold_NC


def auroc(predictions: Sequence[Prediction]) -> float:
    """Return the mean area under the ROC curves of the classes that have both sides.

    From the ranks of the gold records (Mann and Whitney 1947), since an interval asks hundreds of
    times. It is 0.5 for a resample without such a class.
    """
    from scipy.stats import rankdata

    scores_NC, gold_NC = score_matrix(predictions)
    kept = gold_NC.any(axis=0) & ~gold_NC.all(axis=0)
    if not kept.any():
        return 0.5
    scores_NC, gold_NC = scores_NC[:, kept], gold_NC[:, kept]
    gold_C = gold_NC.sum(axis=0)
    ranks_C = (rankdata(scores_NC, axis=0) * gold_NC).sum(axis=0)
    pairs_C = gold_C * (len(predictions) - gold_C)
    return float(((ranks_C - gold_C * (gold_C + 1) / 2) / pairs_C).mean())


def average_precision(predictions: Sequence[Prediction]) -> float:
    """Return the mean average precision of the classes that are gold for some record."""
    from sklearn.metrics import average_precision_score

    scores_NC, gold_NC = score_matrix(predictions)
    kept = gold_NC.any(axis=0)
    if not kept.any():
        return 0.0
    return float(average_precision_score(gold_NC[:, kept], scores_NC[:, kept], average="macro"))


def lrap_counts(predictions: Sequence[Prediction]) -> NDArray[np.float64]:
    """Return the ranking precision of each record, and 1; float64, shape (N, 2)."""
    import numpy as np
    from scipy.stats import rankdata

    scores_NC, gold_NC = score_matrix(predictions)
    among_all_NC = rankdata(-scores_NC, method="max", axis=1)
    among_gold_NC = rankdata(np.where(gold_NC, -scores_NC, np.inf), method="max", axis=1)
    found_N = np.where(gold_NC, among_gold_NC / among_all_NC, 0.0).sum(axis=1)
    gold_N = np.array([len(p.gold) for p in predictions])
    value_N = np.where(gold_N > 0, found_N / np.maximum(gold_N, 1), 1.0)
    return np.stack([value_N, np.ones_like(value_N)], axis=1)


def _fits(task: Task) -> str:
    n_labels = len(task.labels)
    few = f"needs the scores of all classes, stored up to {SCORED}, and the task has {n_labels:,}"
    return few if n_labels > SCORED else ""


def _has_curve(predictions: Sequence[Prediction]) -> str:
    """Return why no class has a ROC curve, or an empty string."""
    if reason := unscored(predictions):
        return reason
    gold_NC = score_matrix(predictions)[1]
    has_both = gold_NC.any(axis=0) & ~gold_NC.all(axis=0)
    return "" if has_both.any() else "every class is gold for all records or for none"


_ranked = partial(Metric, kinds=("classification",), fits=_fits, shown=False)
_SKLEARN: dict[str, Any] = {"checked": "scikit-learn"}

METRICS = (
    _ranked(
        "auroc", "Mean area under the ROC curves", of_sample=auroc, check=_has_curve, **_SKLEARN,
        definition="Area under the ROC curve of each class against the rest, mean over the classes "
        "that are gold for some records and not for all. With two classes it is the usual AUROC.",
        source="scikit-learn, `roc_auc_score(average='macro', multi_class='ovr')`",
    ),
    _ranked(
        "average_precision", "Mean average precision of the classes", of_sample=average_precision,
        check=unscored, **_SKLEARN,
        definition="Average precision over all records of each class, mean over the classes that "
        "are gold for some record.",
        source="scikit-learn, `average_precision_score(average='macro')`",
    ),
    _ranked(
        "lrap", "Label ranking average precision", lrap_counts, share, check=unscored, **_SKLEARN,
        fits=lambda task: without_null(task) or _fits(task),
        definition="Share of gold classes among those ranked no lower than a gold class, mean over "
        "the gold classes and then over records; 1 for a record without one.",
        source="scikit-learn, `label_ranking_average_precision_score`",
    ),
)  # fmt: skip

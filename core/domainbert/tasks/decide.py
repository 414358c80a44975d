"""From scores per class to predicted classes, their order, and the threshold of several.

Legend: N examples, C classes, W windows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from domainbert.plugin.components import Predictions
from domainbert.plugin.domain import Prediction, Task, Window
from domainbert.tasks.check import Splits
from domainbert.tasks.metrics.ranked import SCORED

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    _Scores = NDArray[np.float32]

RANKED = 10
"""Best classes that predictions and annotations name, where they do not name all."""


def average_windows(windows: Sequence[Window], scores_WC: _Scores, n_examples: int) -> _Scores:
    """Return the mean score of each example over its windows, float32, shape (N, C)."""
    import numpy as np

    scores_NC = np.zeros((n_examples, scores_WC.shape[1]), dtype=np.float32)
    for window, scores_C in zip(windows, scores_WC, strict=True):
        scores_NC[window.record] += window.weight * scores_C
    return scores_NC


def label_matrix(labels: Sequence[str], examples: Sequence[Any]) -> _Scores:
    """Return a one for each gold class of an example, float32, shape (N, C)."""
    import numpy as np

    number = {label: column for column, label in enumerate(labels)}
    matrix = np.zeros((len(examples), len(labels)), dtype=np.float32)
    for row, example in enumerate(examples):
        matrix[row, [number[label] for label in example.labels if label in number]] = 1
    return matrix


def decide(
    task: Task,
    splits: Splits,
    scores: Mapping[str, _Scores],
    stored: Mapping[str, NDArray[Any]] | None = None,
) -> Predictions:
    """Return predictions of validation and test from scores per class.

    With one label per record the best class is predicted. With several, those above a threshold:
    the one with the highest micro F1 on the validation split. The null class of a task becomes no
    class, so that scores leave it out.

    Args:
        task: Gives the classes; up to 50, predictions have the scores of all.
        splits: Records with `labels`.
        scores: Of each split, shape (N, C); larger is more likely.
        stored: The same in an order between records, too, where `scores` have none.
    """
    import numpy as np

    labels, threshold = task.labels, 0.0
    has_all = len(labels) <= SCORED
    if task.multi_label:
        gold_NC = label_matrix(labels, splits["validation"])
        threshold = best_threshold(scores["validation"], gold_NC)
    predictions, none = {}, (task.null_label,)
    for split, scores_NC in scores.items():
        order_NC = np.argsort(-scores_NC, axis=1, kind="stable")
        kept_NC = np.take_along_axis((stored or scores)[split], order_NC, axis=1)
        rows = []
        for n, (example, order_C) in enumerate(zip(splits[split], order_NC, strict=True)):
            ranking = tuple(labels[c] for c in (order_C if has_all else order_C[:RANKED]))
            above = tuple(labels[c] for c in np.flatnonzero(scores_NC[n] >= threshold))
            guess = above if task.multi_label else ranking[:1]
            # Five digits: all would make files of 50 classes larger by a third.
            kept = tuple(float(f"{score:.5g}") for score in kept_NC[n].tolist() if has_all)
            gold, guess = (() if side == none else side for side in (example.labels, guess))
            rows.append(Prediction(gold, guess, ranking, scores=kept))
        predictions[split] = tuple(rows)
    return predictions


def best_threshold(scores_NC: _Scores, gold_NC: _Scores) -> float:
    """Return the threshold on scores with the highest micro F1."""
    import numpy as np
    from sklearn.metrics import precision_recall_curve

    if not gold_NC.any():
        return float(scores_NC.max()) + 1
    precision, recall, thresholds = precision_recall_curve(gold_NC.ravel(), scores_NC.ravel())
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    return float(thresholds[int(np.argmax(f1[:-1]))])

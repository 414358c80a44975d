"""What can be had without a neural network, on the same split and in the same table."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from domainbert.errors import DataError
from domainbert.tasks.kinds.classification import decide, label_matrix
from domainbert.tasks.load import LoadedTask
from domainbert.tasks.metrics.score import Prediction

if TYPE_CHECKING:
    from numpy.typing import NDArray

Predictions = dict[str, tuple[Prediction, ...]]
_SPLITS = ("validation", "test")


def predict_majority(task: LoadedTask) -> Predictions:
    """Rank classes by how often the training split has them, for every text alike."""
    share_C = label_matrix(task.outputs, task.splits["train"]).mean(axis=0)
    return decide(task, {s: np.tile(share_C, (len(task.splits[s]), 1)) for s in _SPLITS})


def predict_tfidf_svm(task: LoadedTask) -> Predictions:
    """Fit a linear support vector machine on TF-IDF of words and word pairs.

    scikit-learn's defaults, with logarithmic term counts; one machine a class against the rest.

    Raises:
        DataError: No training text has a word.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.svm import LinearSVC

    train = task.splits["train"]
    features = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    try:
        train_NF = features.fit_transform([example.text for example in train])
    except ValueError:  # "empty vocabulary"
        raise DataError(
            f"task {task.name!r}: no training text has a word of two letters, so there is no "
            "TF-IDF baseline. Set `evaluate.baselines: false` to do without."
        ) from None
    gold_NC = label_matrix(task.outputs, train)
    # What training always or never has cannot be fitted: it gets the highest or the lowest score.
    always, never = gold_NC.all(axis=0), ~gold_NC.any(axis=0)
    fitted = np.flatnonzero(~always & ~never)
    model = OneVsRestClassifier(LinearSVC(random_state=0)) if len(fitted) else None
    if model is not None:
        model.fit(train_NF, gold_NC[:, fitted])
    scores: dict[str, NDArray[np.float32]] = {}
    for split in _SPLITS:
        examples = task.splits[split]
        found = np.zeros((len(examples), len(fitted)), np.float32)
        if model is not None:
            split_NF = features.transform([example.text for example in examples])
            found = model.decision_function(split_NF).reshape(len(examples), -1)
        reach = 1 + float(np.abs(found).max(initial=0))
        scores[split] = np.zeros((len(examples), len(task.outputs)), np.float32)
        scores[split][:, always], scores[split][:, never] = reach, -reach
        scores[split][:, fitted] = found
    return decide(task, scores)


BASELINES: dict[str, Callable[[LoadedTask], Predictions]] = {
    "majority": predict_majority,
    "tfidf-svm": predict_tfidf_svm,
}
"""Baselines of classification tasks by the name that tables give them."""

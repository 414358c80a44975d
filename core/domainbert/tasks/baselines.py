"""What can be had without a neural network, on the same split and in the same table."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from domainbert.tasks.classification import decide, label_matrix
from domainbert.tasks.load import LoadedTask
from domainbert.tasks.metrics import Prediction

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
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.svm import LinearSVC

    train = task.splits["train"]
    features = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    train_NF = features.fit_transform([example.text for example in train])
    gold_NC = label_matrix(task.outputs, train)
    # A class that training does not have cannot be fitted; it keeps the lowest score.
    known = np.flatnonzero(gold_NC.any(axis=0) & ~gold_NC.all(axis=0))
    model = OneVsRestClassifier(LinearSVC(random_state=0)).fit(train_NF, gold_NC[:, known])
    scores: dict[str, NDArray[np.float32]] = {}
    for split in _SPLITS:
        split_NF = features.transform([example.text for example in task.splits[split]])
        found = model.decision_function(split_NF).reshape(len(task.splits[split]), -1)
        scores[split] = np.full((len(found), len(task.outputs)), found.min() - 1, np.float32)
        scores[split][:, known] = found
    return decide(task, scores)


BASELINES: dict[str, Callable[[LoadedTask], Predictions]] = {
    "majority": predict_majority,
    "tfidf-svm": predict_tfidf_svm,
}
"""Baselines of classification tasks by the name that tables give them."""

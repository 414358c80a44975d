"""Baselines of classification.

Legend: N examples, C classes, F features.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from domainbert.plugin.components import LoadedTask, Predictions
from domainbert.tasks.decide import decide, label_matrix
from domainbert.tasks.metrics.score import kind_of
from domainbert.words import content_words

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_SPLITS = ("validation", "test")
_MAX_CLASSES = 5000


def predict_majority(loaded: LoadedTask, seed: int) -> Predictions:
    """Return classes ranked by how often the training split has them, for every text alike."""
    import numpy as np

    task, splits = loaded.task, loaded.splits
    share_C = label_matrix(task.labels, splits["train"]).mean(axis=0)
    return decide(task, splits, {s: np.tile(share_C, (len(splits[s]), 1)) for s in _SPLITS})


def check_tfidf(loaded: LoadedTask) -> str:
    """Return why TF-IDF with a linear model cannot work on a task, or an empty string."""
    text = kind_of(loaded.task).text
    if not any(content_words(text(example)) for example in loaded.splits["train"]):
        return "no training text has a word of two letters, which TF-IDF needs"
    if len(loaded.task.labels) > _MAX_CLASSES:
        return f"{len(loaded.task.labels):,} classes, of which at most {_MAX_CLASSES:,} are fitted"
    return ""


def tfidf() -> Any:
    """Return scikit-learn's TF-IDF of words and word pairs, of any script."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(
        ngram_range=(1, 2), sublinear_tf=True, tokenizer=content_words, token_pattern=None
    )


def predict_tfidf_svm(loaded: LoadedTask, seed: int) -> Predictions:
    """Return predictions of a linear support vector machine on TF-IDF of words and word pairs.

    scikit-learn's defaults, with logarithmic term counts and words of any script; one-vs-rest.
    """
    from sklearn.svm import LinearSVC

    return _on_tfidf(loaded, LinearSVC(random_state=0))


def predict_tfidf_logreg(loaded: LoadedTask, seed: int) -> Predictions:
    """Return predictions of logistic regression on the features of `predict_tfidf_svm`."""
    from sklearn.linear_model import LogisticRegression

    return _on_tfidf(loaded, LogisticRegression(max_iter=1000))


def _on_tfidf(loaded: LoadedTask, classifier: Any) -> Predictions:
    """Return predictions of a linear classifier of scikit-learn, one-vs-rest."""
    import numpy as np
    from sklearn.multiclass import OneVsRestClassifier

    task, train = loaded.task, loaded.splits["train"]
    features, text = tfidf(), kind_of(task).text
    train_NF = features.fit_transform(list(map(text, train)))
    gold_NC = label_matrix(task.labels, train)
    # No classifier can be fitted for what training always or never has.
    always, never = gold_NC.all(axis=0), ~gold_NC.any(axis=0)
    fitted = np.flatnonzero(~always & ~never)
    model = OneVsRestClassifier(classifier)
    if len(fitted):
        model.fit(train_NF, gold_NC[:, fitted])
    scores: dict[str, NDArray[np.float32]] = {}
    for split in _SPLITS:
        texts = list(map(text, loaded.splits[split]))
        scores_NC = np.zeros((len(texts), len(task.labels)), np.float32)
        if len(fitted):
            margins = model.decision_function(features.transform(texts))
            scores_NC[:, fitted] = margins.reshape(len(texts), -1)
        reach = 1 + float(np.abs(scores_NC).max(initial=0))
        scores_NC[:, always], scores_NC[:, never] = reach, -reach
        scores[split] = scores_NC
    return decide(task, loaded.splits, scores)

"""Baselines of regression.

Legend: N records, F features.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from domainbert.plugin.components import LoadedTask, Predictions
from domainbert.tasks.baselines.classification import tfidf
from domainbert.tasks.kinds.regression import REGRESSION, scored, units

_SPLITS = ("validation", "test")


def predict_mean(loaded: LoadedTask, seed: int) -> Predictions:
    """Return the mean score of the training split for every record; its correlation is 0."""
    import numpy as np

    mean, _ = units(loaded.task, loaded.splits["train"])
    splits = {split: loaded.splits[split] for split in _SPLITS}
    return {
        split: scored(records, np.full(len(records), mean)) for split, records in splits.items()
    }


def predict_tfidf_ridge(loaded: LoadedTask, seed: int) -> Predictions:
    """Return predictions of a ridge regression on TF-IDF of words and word pairs.

    scikit-learn's defaults; of a pair of texts also the cosine of the two.
    """
    from sklearn.linear_model import Ridge

    train = loaded.splits["train"]
    vectors = tfidf().fit(list(map(REGRESSION.text, train)))
    model = Ridge().fit(_features(vectors, train), [rating.score for rating in train])
    return {
        split: scored(loaded.splits[split], model.predict(_features(vectors, loaded.splits[split])))
        for split in _SPLITS
    }


def _features(vectors: Any, ratings: Sequence[Any]) -> Any:
    from scipy.sparse import csr_array, hstack

    joined_NF = vectors.transform(list(map(REGRESSION.text, ratings)))
    if not ratings[0].second:
        return joined_NF
    first_NF = vectors.transform([rating.text for rating in ratings])
    second_NF = vectors.transform([rating.second for rating in ratings])
    cosine_N1 = csr_array(first_NF.multiply(second_NF).sum(axis=1).reshape(-1, 1))
    return hstack([joined_NF, cosine_N1], format="csr")

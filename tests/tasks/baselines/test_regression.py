from __future__ import annotations

import numpy as np
import pytest
from helpers.pairs import ratings
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import Ridge

from domainbert.plugin.records import Rating
from domainbert.tasks.baselines.regression import predict_mean, predict_tfidf_ridge
from domainbert.tasks.check import baseline_names, check_baselines
from domainbert.tasks.kinds.regression import REGRESSION
from domainbert.tasks.metrics.score import check_predictions, score
from domainbert.words import content_words


def test_the_mean_has_no_correlation() -> None:
    loaded = ratings()
    made = predict_mean(loaded, 0)
    check_predictions(REGRESSION, loaded, made)
    mean = np.mean([rating.score for rating in loaded.splits["train"]])
    assert {p.predicted for p in made["test"]} == {(repr(float(mean)),)}
    scores = score(loaded.task, made["test"])
    assert (scores["pearson"], scores["spearman"]) == (0.0, 0.0)


def test_the_ridge_is_that_of_scikit_learn() -> None:
    loaded = ratings()
    check_baselines([loaded])
    assert baseline_names(loaded) == ("mean", "tfidf-ridge")
    made = predict_tfidf_ridge(loaded, 0)
    check_predictions(REGRESSION, loaded, made)
    train, test = ([r.text for r in loaded.splits[s]] for s in ("train", "test"))
    vectors = TfidfVectorizer(
        ngram_range=(1, 2), sublinear_tf=True, tokenizer=content_words, token_pattern=None
    )
    fitted = Ridge().fit(vectors.fit_transform(train), [r.score for r in loaded.splits["train"]])
    expected = fitted.predict(vectors.transform(test))
    assert [float(p.predicted[0]) for p in made["test"]] == pytest.approx(expected.tolist())
    assert score(loaded.task, made["test"])["pearson"] > 0.99


def test_of_pairs_the_overlap_counts() -> None:
    words = [f"{first}{second}" for first in ("map", "mill") for second in "abcde"]

    def rating(n: int) -> Rating:
        first, other = words[n % 10], words[(n + 1 + n // 10 % 9) % 10]
        alike = n % 2 == 0
        return Rating(f"the {first}", 5.0 if alike else 1.0, f"a {first if alike else other}")

    splits = {"train": (0, 60), "validation": (60, 20), "test": (80, 20)}
    made = {s: tuple(map(rating, range(a, a + n))) for s, (a, n) in splits.items()}
    loaded = ratings(True, **made)
    assert score(loaded.task, predict_tfidf_ridge(loaded, 0)["test"])["pearson"] > 0.9

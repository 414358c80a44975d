from __future__ import annotations

import pytest
from helpers.tasks import classification

from domainbert.errors import DataError
from domainbert.plugin.records import Example
from domainbert.tasks.baselines.classification import (
    check_tfidf,
    predict_majority,
    predict_tfidf_logreg,
    predict_tfidf_svm,
)
from domainbert.tasks.check import check_baselines
from domainbert.tasks.metrics.score import score


@pytest.mark.parametrize("several", [False, True])
def test_words_that_decide(several: bool) -> None:
    loaded = classification(several)
    majority = score(loaded.task, predict_majority(loaded, 0)["test"])
    metric = next(iter(majority))
    assert majority[metric] < 0.9
    for predict in (predict_tfidf_svm, predict_tfidf_logreg):
        assert score(loaded.task, predict(loaded, 0)["test"])[metric] == 1.0
    if not several:
        # Half of the texts are of either class; F1 of the class that is never predicted is zero.
        assert (majority["accuracy"], majority["f1_macro"]) == (0.5, pytest.approx(1 / 3))


def test_texts_without_a_word_have_no_baseline_of_words() -> None:
    train = (Example("?", ("place",)), Example("!", ("person",)))
    loaded = classification(train=train)
    assert check_tfidf(loaded).startswith("no training text has a word of two letters")
    with pytest.raises(DataError, match="baseline 'tfidf-svm': no training text has"):
        check_baselines([loaded])
    assert check_tfidf(classification()) == ""


def test_logistic_regression_is_that_of_scikit_learn_on_the_same_features() -> None:
    import numpy as np
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    words = [f"w{n}" for n in range(12)]
    numbers = np.random.default_rng(0)
    made = [
        Example(
            " ".join(numbers.choice(words, 6)), (("person", "place")[int(numbers.integers(2))],)
        )
        for _ in range(80)
    ]
    loaded = classification(train=tuple(made[:50]), test=tuple(made[50:]))
    texts, labels = [one.text for one in made], [one.labels[0] for one in made]
    features = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    model = LogisticRegression(max_iter=1000)
    model.fit(features.fit_transform(texts[:50]), labels[:50])
    expected = model.predict(features.transform(texts[50:])).tolist()
    found = [row.predicted[0] for row in predict_tfidf_logreg(loaded, 0)["test"]]
    assert found == expected

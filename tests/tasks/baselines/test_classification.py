from __future__ import annotations

import pytest
from helpers.tasks import classification

from domainbert.errors import DataError
from domainbert.plugin.domain import Example
from domainbert.tasks.baselines.classification import (
    check_tfidf,
    predict_majority,
    predict_tfidf_svm,
)
from domainbert.tasks.check import check_baselines
from domainbert.tasks.metrics.score import score


@pytest.mark.parametrize("several", [False, True])
def test_words_that_decide(several: bool) -> None:
    loaded = classification(several)
    majority = score(loaded.task, predict_majority(loaded, 0)["test"])
    svm = score(loaded.task, predict_tfidf_svm(loaded, 0)["test"])
    metric = next(iter(majority))
    assert (svm[metric], majority[metric] < 0.9) == (1.0, True)
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

from __future__ import annotations

import math
from collections import Counter
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
from helpers.pairs import queries

from domainbert.errors import DataError, RecipeError
from domainbert.tasks.baselines import retrieval
from domainbert.tasks.baselines.retrieval import bm25_scores
from domainbert.tasks.check import baseline_names, check_baselines
from domainbert.tasks.kinds.retrieval import RETRIEVAL
from domainbert.tasks.metrics.score import check_predictions, score

DOCUMENTS = ["red boat harbour", "old mill baker baker", "harbour mill stone"]


def test_scores_are_those_of_the_formula_of_lucene() -> None:
    asked = ["harbour boat", "mill", "nothing here", "the of and"]
    words = [text.split() for text in DOCUMENTS]
    mean = sum(map(len, words)) / len(words)
    expected = np.zeros((len(asked), len(words)))
    for row, query in zip(expected, asked, strict=True):
        for word in query.split():
            n_with = sum(word in document for document in words)
            idf = math.log(1 + (len(words) - n_with + 0.5) / (n_with + 0.5))
            for place, document in enumerate(words):
                count = Counter(document)[word]
                part = count / (count + 1.5 * (0.25 + 0.75 * len(document) / mean))
                row[place] += idf * part if n_with else 0.0
    np.testing.assert_allclose(bm25_scores(asked, DOCUMENTS), expected, atol=1e-6)


def test_documents_of_stop_words_alone_score_nothing() -> None:
    assert not bm25_scores(["a boat"], ["the of", "and"]).any()


def test_it_finds_shared_words_and_is_a_row_of_every_such_task() -> None:
    loaded = queries()
    made = retrieval.predict_bm25(loaded, 0)
    check_predictions(RETRIEVAL, loaded, made)
    assert score(loaded.task, made["test"])["recall_at_10"] > 0.9  # numbers are shared
    for wanted in (True, "all", ("bm25",)):
        assert baseline_names(loaded, wanted) == ("bm25",)
    with pytest.raises(RecipeError, match="'frozen' suits no task of the kind retrieval"):
        check_baselines([loaded], ("frozen",))


def test_without_its_library_the_way_out_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str, *more: Any) -> Any:
        return None if name == "bm25s" else find_spec(name, *more)

    monkeypatch.setattr(retrieval, "find_spec", missing)
    said = r"baseline 'bm25': needs bm25s: pip install 'domainbert\[sentences\]'. Set `evaluate.b"
    with pytest.raises(DataError, match=said):
        check_baselines([queries()])

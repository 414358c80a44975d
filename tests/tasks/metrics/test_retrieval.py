from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from helpers.tasks import labelled
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import label_ranking_average_precision_score, ndcg_score

from domainbert.errors import PluginError
from domainbert.plugin.domain import Prediction
from domainbert.plugin.records import Query
from domainbert.report.statistics import bootstrap, records_of
from domainbert.tasks.kinds.retrieval import RETRIEVAL, candidates, ranked
from domainbert.tasks.metrics.retrieval import ndcg, ranks_of, reciprocal_rank, worst_order
from domainbert.tasks.metrics.score import check_metrics, metric_of, score

TASK = labelled("retrieval")
NAMES = ["ndcg_at_10", "mrr", "recall_at_1", "recall_at_10"]


@st.composite
def rankings(draw: Any) -> tuple[Any, list[list[int]]]:
    """Return scores, many of them equal, and the relevant documents of each query."""
    n_queries, n_documents = draw(st.integers(1, 6)), draw(st.integers(2, 25))
    scores = draw(arrays(np.float64, (n_queries, n_documents), elements=st.integers(-2, 2)))
    some = st.lists(st.integers(0, n_documents - 1), min_size=1, max_size=13, unique=True)
    return scores, [draw(some) for _ in range(n_queries)]


def predictions(scores_QN: Any, relevant: list[list[int]]) -> tuple[Prediction, ...]:
    """Return predictions of queries whose candidates stand in the order of the scores."""
    n_documents = scores_QN.shape[1]
    all_of_them = Query("all", tuple(map(str, range(n_documents))))
    own = [Query(f"q{q}", tuple(map(str, gold))) for q, gold in enumerate(relevant)]
    queries = [all_of_them, *own]
    assert candidates(queries) == all_of_them.documents
    return ranked(queries, [np.zeros(n_documents), *scores_QN])[1:]


def by_hand(scores_N: Any, gold: list[int]) -> dict[str, float]:
    """Return the metrics of a query: sorted in plain Python, a tie worst for what is relevant."""
    order = sorted(range(len(scores_N)), key=lambda n: (-scores_N[n], n in gold))
    hits = [n in gold for n in order]
    gains = [1 / np.log2(place + 2) for place in range(10)]
    found = sum(gain for gain, hit in zip(gains, hits, strict=False) if hit)
    return {
        "ndcg_at_10": found / sum(gains[: len(gold)]),
        "mrr": 1 / (1 + hits.index(True)),
        "recall_at_1": hits[0] / len(gold),
        "recall_at_10": sum(hits[:10]) / len(gold),
    }


@given(rankings())
def test_scores_are_those_of_brute_force(made: tuple[Any, list[list[int]]]) -> None:
    scores_QN, relevant = made
    found = predictions(scores_QN, relevant)
    assert [RETRIEVAL.misfit(p, TASK) for p in found] == [""] * len(relevant)
    rows = [by_hand(scores_N, gold) for scores_N, gold in zip(scores_QN, relevant, strict=True)]
    expected = {name: np.mean([row[name] for row in rows]) for name in NAMES}
    given_scores = score(TASK, found)
    assert list(given_scores) == NAMES
    assert given_scores == pytest.approx(expected, abs=1e-12)


@given(rankings())
def test_scores_are_those_of_scikit_learn(made: tuple[Any, list[list[int]]]) -> None:
    scores_QN, relevant = made
    gold_QN = np.zeros(scores_QN.shape)
    for gold_N, gold in zip(gold_QN, relevant, strict=True):
        gold_N[gold] = 1
    # Ties in the worst order: a shift too small to change anything else.
    untied_QN = scores_QN - 1e-3 * gold_QN - 1e-6 * np.arange(scores_QN.shape[1])
    given_scores = score(TASK, predictions(scores_QN, relevant))
    assert given_scores["ndcg_at_10"] == pytest.approx(ndcg_score(gold_QN, untied_QN, k=10))
    one_QN = np.zeros(scores_QN.shape)  # of one relevant document, LRAP is the reciprocal rank
    for one_N, untied_N, gold in zip(one_QN, untied_QN, relevant, strict=True):
        one_N[max(gold, key=lambda n: untied_N[n])] = 1
    mrr = label_ranking_average_precision_score(one_QN, untied_QN)
    assert given_scores["mrr"] == pytest.approx(mrr)


def test_ties_count_against_relevant_documents() -> None:
    scores_N = np.array([1.0, 1.0, 1.0, 0.0])
    order_N = worst_order(scores_N, [0, 3])
    assert (order_N.tolist(), ranks_of(order_N, [0, 3])) == ([1, 2, 0, 3], [3, 4])
    assert reciprocal_rank([3, 4]) == 1 / 3
    assert ndcg([3, 4]) == pytest.approx((1 / 2 + 1 / np.log2(5)) / (1 + 1 / np.log2(3)))
    assert ndcg([11]) == 0.0


def test_every_metric_has_an_interval_over_queries() -> None:
    random = np.random.default_rng(0)
    found = predictions(random.normal(size=(40, 30)), [[n % 30] for n in range(40)])
    for name in NAMES:
        metric = metric_of(TASK, name)
        draws_B1 = bootstrap(metric, [records_of(metric, found)])
        assert draws_B1.shape == (2000, 1)
        assert draws_B1.mean() == pytest.approx(score(TASK, found)[name], abs=0.01)
        assert draws_B1.std() > 0


@pytest.mark.parametrize(
    ("kind", "name"), [("retrieval", "mcc"), ("retrieval", "f1_micro"), ("pairs", "ndcg_at_10")]
)
def test_a_metric_of_another_kind_is_refused(kind: str, name: str) -> None:
    with pytest.raises(PluginError, match=rf"metric '{name}' is for .*, not for {kind}"):
        check_metrics(labelled(kind, metrics=(name,)))

"""Scores of retrieval: the ranks of the relevant documents of a query.

Relevance is binary. Of equal scores the order is the worst: documents that are not relevant come
first, so that a model that says the same of all texts finds nothing. scikit-learn averages over all
orders of ties; without ties both agree.

Legend: N candidates, R relevant documents.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from math import log2
from typing import TYPE_CHECKING, Any

from domainbert.plugin.domain import Prediction
from domainbert.plugin.metric import Metric
from domainbert.tasks.metrics.labels import share

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

WITHIN = 10
"""Rank up to which nDCG counts."""


def worst_order(scores_N: NDArray[Any], relevant: Sequence[int]) -> NDArray[np.int64]:
    """Return the candidates, best first, int64 (N,).

    Of equal scores relevant documents are last, and others in the order of the candidates.
    """
    import numpy as np

    relevant_N = np.zeros(len(scores_N), dtype=bool)
    relevant_N[list(relevant)] = True
    return np.lexsort((relevant_N, -scores_N))


def ranks_of(order_N: NDArray[np.int64], relevant: Sequence[int]) -> list[int]:
    """Return the rank of each relevant document, from 1."""
    import numpy as np

    rank_N = np.empty(len(order_N), dtype=np.int64)
    rank_N[order_N] = np.arange(1, len(order_N) + 1)
    return [int(rank) for rank in rank_N[list(relevant)]]


def ndcg(ranks: Sequence[int]) -> float:
    """Return nDCG@10 of a query: gains of 1, discounted by log2(1 + rank)."""
    best = sum(1 / log2(1 + rank) for rank in range(1, min(len(ranks), WITHIN) + 1))
    return sum(1 / log2(1 + rank) for rank in ranks if rank <= WITHIN) / best


def reciprocal_rank(ranks: Sequence[int]) -> float:
    """Return one over the rank of the first relevant document."""
    return 1 / min(ranks)


def _counts(value: Callable[[Sequence[int]], float], predictions: Sequence[Prediction]) -> Any:
    """Return per query its score, and 1; float64, shape (Q, 2)."""
    import numpy as np

    return np.array([(value([int(rank) for rank in p.predicted]), 1.0) for p in predictions])


_retrieval = partial(Metric, kinds=("retrieval",))

METRICS = (
    _retrieval(
        "ndcg_at_10", "nDCG of the ten best documents", partial(_counts, ndcg), share,
        definition="Sum of 1 / log2(1 + rank) over the relevant documents of rank 10 or better, "
        "divided by the largest sum possible; mean over queries. Ties count against relevant "
        "documents.",
        source="Järvelin and Kekäläinen 2002, doi:10.1145/582415.582418",
        checked="scikit-learn, `ndcg_score`, and brute force",
    ),
    _retrieval(
        "mrr", "Mean reciprocal rank", partial(_counts, reciprocal_rank), share,
        definition="One over the rank of the first relevant document among all candidates, mean "
        "over queries. Ties count against it.",
        source="Voorhees 1999, TREC-8 question answering track",
        checked="scikit-learn, `label_ranking_average_precision_score`, and brute force",
    ),
)  # fmt: skip

"""A probe of sentence vectors: titles find their texts among those of other held-out documents.

The pairs are made from the corpus alone: a document's first line or sentence is the query, the rest
is what it has to find. BM25 stands beside.

Legend: Q queries, N texts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from domainbert.errors import RecipeError
from domainbert.model.load import check_length
from domainbert.model.sentence_encoder import SentenceEncoder
from domainbert.recipe.sentences import SentencesSection
from domainbert.report.statistics import variance_of_mean
from domainbert.tasks.baselines.retrieval import bm25_scores
from domainbert.tasks.metrics.retrieval import ndcg, ranks_of, reciprocal_rank, worst_order

if TYPE_CHECKING:
    from numpy.typing import NDArray

Pair = tuple[str, str]
"""A title and the text that follows it."""

_CUT = re.compile(r"\n+|(?<=[.!?])\s+")
_SHORTEST, _LONGEST, _TEXT = 15, 300, 100
_NEEDED = ("sentence_transformers", "bm25s")


@dataclass(frozen=True)
class Retrieval:
    """How well titles find their texts.

    Args:
        name: Of the model, or `bm25`.
        ndcg: Mean of nDCG@10 over queries, with the ends of its 95 % interval.
        mrr: The same of the reciprocal rank.
        queries: How many.
    """

    name: str
    ndcg: tuple[float, float, float]
    mrr: tuple[float, float, float]
    queries: int


def check_sentences(section: SentencesSection | None, model: Any) -> None:
    """Refuse, before any work starts, a section whose libraries are missing or that does not fit.

    Raises:
        RecipeError: The model reads less tokens, or a library is not installed.
    """
    if section is None:
        return
    check_length(model, section.max_seq_length, "sentences.max_seq_length")
    if lacking := [name for name in _NEEDED if find_spec(name) is None]:
        raise RecipeError(
            f"sentences: needs {' and '.join(lacking)}: pip install 'domainbert[sentences]'."
        )


def make_pairs(texts: Sequence[str], most: int) -> list[Pair]:
    """Return title and rest of each text that has both; titles that occur twice are left out.

    Args:
        texts: Of held-out documents.
        most: Pairs at most.
    """
    pairs: dict[str, str] = {}
    for text in texts:
        title, *rest = _CUT.split(text.strip(), maxsplit=1)
        long = bool(rest) and len(rest[0]) >= _TEXT
        if long and _SHORTEST <= len(title) <= _LONGEST and title not in pairs:
            pairs[title] = rest[0]
    return list(pairs.items())[:most]


def of_encoder(name: str, encoder: SentenceEncoder, pairs: Sequence[Pair]) -> Retrieval:
    """Return how well the vectors of an encoder do, by their cosine."""
    sides = [encoder.encode([pair[side] for pair in pairs])[0] for side in (0, 1)]
    unit = [side / np.maximum(np.linalg.norm(side, axis=1, keepdims=True), 1e-12) for side in sides]
    return _summary(name, unit[0] @ unit[1].T)


def of_bm25(pairs: Sequence[Pair]) -> Retrieval:
    """Return how well BM25 does."""
    titles, texts = ([pair[side] for pair in pairs] for side in (0, 1))
    return _summary("bm25", bm25_scores(titles, texts))


def _summary(name: str, scores_QN: NDArray[Any]) -> Retrieval:
    """Return the metrics of scores in which query q has to find text q; ties count against it."""
    ranks = [ranks_of(worst_order(scores_N, [q]), [q]) for q, scores_N in enumerate(scores_QN)]
    return Retrieval(name, _mean(ndcg, ranks), _mean(reciprocal_rank, ranks), len(ranks))


def _mean(
    value: Callable[[list[int]], float], ranks: Sequence[list[int]]
) -> tuple[float, float, float]:
    values_Q = np.array([value(one) for one in ranks])
    mean = float(values_Q.mean())
    low, high = variance_of_mean(values_Q).interval(mean)
    return mean, max(0.0, low), min(1.0, high)

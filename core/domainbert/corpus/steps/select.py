"""Step `select`: the documents that are nearest to the tasks or to the terms of the field.

A document scores the mean log-ratio of its words and word pairs under the target and under the
corpus, both as hashed counts, as importance weights do in DSIR (arXiv 2302.03169). The best share
of the characters is kept, without a random draw.

Legend: N documents, F features of a text, K buckets.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from domainbert.corpus.steps.shingles import window_hashes, word_hashes
from domainbert.corpus.steps.spool import open_spool
from domainbert.plugin.domain import Document
from domainbert.plugin.steps import Drops, StepContext
from domainbert.recipe.sections import Section

_BUCKETS = 1 << 16
# Added to each count, so that what the target lacks counts against a document, but not for ever.
_SMOOTHING = 1.0


class Options(Section):
    """Options of `select`."""

    nearest_to: Literal["tasks", "terms"] = "tasks"
    """The training texts of the tasks, or the terms of the domain."""
    share: float = Field(default=0.5, gt=0, lt=1)
    """Share of the characters to keep."""


def select(options: Options, context: StepContext) -> Any:
    """Return the step with its target.

    Raises:
        ValueError: There is no text to be near to.
    """
    target = context.training if options.nearest_to == "tasks" else context.terms
    if not target:
        raise ValueError(f"nearest_to: {options.nearest_to}, and the recipe has none")
    target_K = _counts(target)

    def apply(documents: Iterable[Document], drops: Drops) -> Iterator[Document]:
        with open_spool() as spool:
            corpus_K, sizes = np.zeros(_BUCKETS), array("q")
            for document in documents:
                spool.add(document)
                sizes.append(len(document.text))
                corpus_K += np.bincount(features(document.text), minlength=_BUCKETS)
            ratio_K = _log_shares(target_K) - _log_shares(corpus_K)
            scores_N = np.array([_score(document.text, ratio_K) for document in spool])
            kept_N = _best(scores_N, np.array(sizes), options.share)
            for document, keep in zip(spool, kept_N.tolist(), strict=True):
                if keep:
                    yield document
                else:
                    drops.drop(document, "far_from_target")

    return apply


def features(text: str) -> NDArray[np.int64]:
    """Return the buckets of the words and word pairs of a text, int64, shape (F,)."""
    hashes_W = word_hashes(text)
    both = np.concatenate([hashes_W, window_hashes(hashes_W, 2)])
    return (both % np.uint64(_BUCKETS)).astype(np.int64)


def _counts(texts: Iterable[str]) -> NDArray[np.float64]:
    counts_K = np.zeros(_BUCKETS)
    for text in texts:
        counts_K += np.bincount(features(text), minlength=_BUCKETS)
    return counts_K


def _log_shares(counts_K: NDArray[np.float64]) -> NDArray[np.float64]:
    smoothed = counts_K + _SMOOTHING
    return np.log(smoothed / smoothed.sum())


def _score(text: str, ratio_K: NDArray[np.float64]) -> float:
    places_F = features(text)
    return float(ratio_K[places_F].mean()) if len(places_F) else -np.inf


def _best(
    scores_N: NDArray[np.float64], sizes_N: NDArray[np.int64], share: float
) -> NDArray[np.bool_]:
    """Return which documents are kept: the best up to the share of characters, at least one."""
    order_N = np.argsort(-scores_N, kind="stable")
    within = np.cumsum(sizes_N[order_N]) <= share * sizes_N.sum()
    within[:1] = True
    kept_N = np.zeros(len(order_N), dtype=bool)
    kept_N[order_N[within]] = True
    return kept_N

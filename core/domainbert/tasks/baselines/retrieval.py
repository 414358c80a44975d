"""BM25 (Robertson and Zaragoza 2009), by bm25s: the baseline of retrieval.

Legend: Q queries, N documents.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from domainbert.plugin.components import LoadedTask, Predictions
from domainbert.tasks.kinds.retrieval import candidates, ranked

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def bm25_scores(queries: Sequence[str], documents: Sequence[str]) -> NDArray[np.float64]:
    """Return the scores of documents for queries, float64, shape (Q, N); 0 where no word is shared.

    bm25s' defaults: words of two letters and digits or more, without English stop words.
    """
    import bm25s
    import numpy as np

    quiet: dict[str, Any] = {"show_progress": False}
    words, of_documents = (
        bm25s.tokenize(list(s), return_ids=False, **quiet) for s in (queries, documents)
    )
    scores_QN = np.zeros((len(queries), len(documents)))
    if any(of_documents):
        index = bm25s.BM25()
        index.index(of_documents, **quiet)
        for query, found_N in zip(words, scores_QN, strict=True):
            if query:  # else it has stop words alone
                found_N[:] = index.get_scores(list(query))
    return scores_QN


def check_bm25(_loaded: LoadedTask) -> str:
    """Return why BM25 cannot work here, or an empty string."""
    return "" if find_spec("bm25s") else "needs bm25s: pip install 'domainbert[sentences]'"


def predict_bm25(loaded: LoadedTask, seed: int) -> Predictions:
    """Return the documents of each split ranked by BM25."""
    splits = {split: loaded.splits[split] for split in ("validation", "test")}
    return {
        split: ranked(own, bm25_scores([query.text for query in own], candidates(own)))
        for split, own in splits.items()
    }

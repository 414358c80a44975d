"""Hold-out, the last step: documents with the smallest text hashes are never trained on.

Membership depends on the texts alone, not on their order or on a seed, and copies of one text are
always on the same side. It needs the hashes of all documents, so it runs on the token store.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from domainbert.corpus.store import TokenStore
from domainbert.errors import DataError


class Split(NamedTuple):
    """Row numbers of the token store.

    Args:
        train_T: int64, ascending; documents without tokens are left out.
        heldout_H: int64, by ascending text hash.
    """

    train_T: NDArray[np.int64]
    heldout_H: NDArray[np.int64]


def split_documents(store: TokenStore, fraction: float) -> Split:
    """Return the split that holds out the `fraction` with the smallest hashes, at least one.

    Raises:
        DataError: Nothing would be left to train on.
    """
    words_D4 = store.sha256_DB.view(">u8")
    by_hash = np.lexsort(words_D4.T[::-1])
    count = max(1, round(fraction * len(by_hash)))
    threshold = words_D4[by_hash[count - 1]]
    copies = int((words_D4[by_hash[count:]] == threshold).all(axis=1).sum())
    heldout = by_hash[: count + copies]
    learns = store.lengths_D > 0
    learns[heldout] = False
    if not learns.any():
        raise DataError(
            f"The corpus has {len(by_hash)} document(s): too few to train on some and measure on "
            "others. If one file holds many texts, set `text_unit: paragraph` or `line`."
        )
    return Split(np.flatnonzero(learns), heldout)


def split_counts(store: TokenStore, split: Split) -> dict[str, int]:
    """Return the counts of the hold-out step."""
    rest = len(store.lengths_D) - len(split.train_T) - len(split.heldout_H)
    return {"train": len(split.train_T), "held_out": len(split.heldout_H), "without_tokens": rest}


def heldout_texts(store: TokenStore, split: Split, max_tokens: int) -> list[str]:
    """Return held-out texts in hash order until they have about `max_tokens` tokens."""
    lengths_H = store.lengths_D[split.heldout_H]
    wanted = np.cumsum(lengths_H) - lengths_H < max_tokens
    return [store.text(row) for row in split.heldout_H[wanted].tolist()]

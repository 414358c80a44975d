"""Which documents are never trained on: those with the smallest text hashes.

Membership depends on the texts alone, not on their order or on a seed, and copies of one text are
always on the same side.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from domainbert.corpus.store import TokenStore
from domainbert.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Split:
    """Row numbers of the token store.

    Args:
        train_T: int64, ascending.
        heldout_H: int64, by ascending text hash.
    """

    train_T: NDArray[np.int64]
    heldout_H: NDArray[np.int64]


def split_documents(store: TokenStore, fraction: float) -> Split:
    """Hold out the `fraction` of documents with the smallest hashes, at least one.

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


def heldout_texts(store: TokenStore, split: Split, max_tokens: int) -> list[str]:
    """Return held-out texts in hash order until they have about `max_tokens` tokens."""
    texts, tokens = [], 0
    for row in split.heldout_H.tolist():
        if tokens >= max_tokens:
            break
        texts.append(store.text(row))
        tokens += int(store.lengths_D[row])
    return texts

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
    by_hash = sorted(range(len(store.sha256_D)), key=store.sha256_D.__getitem__)
    count = max(1, round(fraction * len(by_hash)))
    threshold = store.sha256_D[by_hash[count - 1]]
    heldout = [row for row in by_hash if store.sha256_D[row] <= threshold]
    held = set(heldout)
    train = [row for row in range(len(by_hash)) if row not in held and store.lengths_D[row]]
    if not train:
        raise DataError(
            f"The corpus has {len(by_hash)} document(s): too few to train on some and measure on "
            "others. If one file holds many texts, set `text_unit: paragraph` or `line`."
        )
    return Split(np.array(train, dtype=np.int64), np.array(heldout, dtype=np.int64))


def heldout_texts(store: TokenStore, split: Split, max_tokens: int) -> list[str]:
    """Return held-out texts in hash order until they have about `max_tokens` tokens."""
    texts, tokens = [], 0
    for row in split.heldout_H.tolist():
        if tokens >= max_tokens:
            break
        texts.append(store.text(row))
        tokens += int(store.lengths_D[row])
    return texts

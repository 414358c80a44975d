"""Mixing, after hold-out: a corpus with a `share` gets at most that share of the trained tokens.

Which documents stay is a function of their texts: those with the smallest hashes.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from domainbert.corpus.steps.held_out import Split
from domainbert.corpus.store import TokenStore
from domainbert.errors import DataError


def mix_documents(store: TokenStore, split: Split, shares: Mapping[str, float]) -> Split:
    """Return the split without the training documents that are beyond the share of their corpus.

    Args:
        store: An open store.
        split: Of `split_documents`.
        shares: Name of a corpus → its share of the tokens, together below 1. The others keep all.

    Raises:
        DataError: No document is of a corpus without a share, or one document is beyond a share.
    """
    if not shares:
        return split
    # As numbers: the names of all rows would be most of what a large corpus needs in memory.
    codes = store.documents["corpus"].combine_chunks().dictionary_encode()
    names, code_D = codes.dictionary.to_pylist(), codes.indices.to_numpy()
    code_T, lengths_T = code_D[split.train_T], store.lengths_D[split.train_T]
    limited = {code: shares[name] for code, name in enumerate(names) if name in shares}
    rest = int(lengths_T[~np.isin(code_T, list(limited))].sum())
    if not rest:
        raise DataError("corpus: every corpus has a `share`; leave it out of one that keeps all.")
    sizes = {code: int(lengths_T[code_T == code].sum()) for code in limited}
    keeps_T, total = np.ones(len(code_T), dtype=bool), _total(rest, sizes, limited)
    words_T4 = store.sha256_DB[split.train_T].view(">u8")
    for code, share in limited.items():
        rows = np.flatnonzero(code_T == code)
        by_hash = rows[np.lexsort(words_T4[rows].T[::-1])]
        beyond = np.cumsum(lengths_T[by_hash]) > share * total
        if len(rows) and beyond.all():
            raise DataError(
                f"corpus: one document of {names[code]} has more tokens than `share: {share:g}` "
                "allows. If a file holds many texts, set `text_unit: paragraph` or `line`."
            )
        keeps_T[by_hash[beyond]] = False
    return Split(split.train_T[keeps_T], split.heldout_H)


def _total(rest: int, sizes: Mapping[int, int], limited: Mapping[int, float]) -> float:
    """Return the tokens of the whole mixture; a corpus that is too small is used whole."""
    small: set[int] = set()
    while True:
        used = rest + sum(sizes[code] for code in small)
        total = used / (1 - sum(share for code, share in limited.items() if code not in small))
        short = {c for c, share in limited.items() if c not in small and sizes[c] < share * total}
        if not short:
            return total
        small |= short


def token_shares(store: TokenStore, split: Split) -> dict[str, float]:
    """Return the share of each corpus in the tokens that are trained on."""
    codes = store.documents["corpus"].combine_chunks().dictionary_encode()
    code_T = codes.indices.to_numpy()[split.train_T]
    tokens = np.bincount(code_T, store.lengths_D[split.train_T], len(codes.dictionary))
    named = zip(codes.dictionary.to_pylist(), tokens.tolist(), strict=True)
    return {name: count / tokens.sum() for name, count in named}


def said_shares(shares: Mapping[str, float]) -> str:
    """Return the shares of the tokens in words."""
    parts = ", ".join(f"{share:.1%} {name}" for name, share in shares.items() if share)
    return f"tokens to train on: {parts}"

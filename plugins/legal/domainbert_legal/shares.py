"""Shares of documents for splits that a source does not have."""

from __future__ import annotations

import hashlib

TEST_SHARE = 0.2
VALIDATION_SHARE = 0.1


def split_of(name: str) -> str:
    """Return the split of a document by its name: `test`, `validation` or `train`.

    The first eight bytes of the SHA-256, read as a fraction of one, are below 0.2 for test and
    below 0.3 for validation. Neither a seed nor the order of a file matters.
    """
    digest = hashlib.sha256(name.encode("utf-8")).digest()
    place = int.from_bytes(digest[:8], "big") / 2**64
    if place < TEST_SHARE:
        return "test"
    return "validation" if place < TEST_SHARE + VALIDATION_SHARE else "train"

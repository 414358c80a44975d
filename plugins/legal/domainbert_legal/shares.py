"""Shares of documents for splits that a source does not have."""

from __future__ import annotations

from domainbert.readers import split_by_hash

TEST_SHARE = 0.2
VALIDATION_SHARE = 0.1


def split_of(name: str) -> str:
    """Return the split of a document by the hash of its name: `test`, `validation` or `train`."""
    return split_by_hash(name, TEST_SHARE, VALIDATION_SHARE)

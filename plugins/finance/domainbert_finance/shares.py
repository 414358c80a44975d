"""Share texts out among splits by their hashes, where a source has no split."""

from __future__ import annotations

from domainbert.readers import split_by_hash

VALIDATION_SHARE = 0.1


def is_of_split(text: str, split: str) -> bool:
    """Return whether a text belongs to a split of a source that has no validation split.

    A file of training texts gives those with places below 0.1 to validation; equal texts are in
    one split. A file of test texts is all of test.

    Args:
        text: Of the file of that split.
        split: `train`, `validation` or `test`.
    """
    return split in ("test", split_by_hash(text, validation=VALIDATION_SHARE, fold=True))

"""Share texts out among splits by their hashes, where a source has no split."""

from __future__ import annotations

import hashlib

VALIDATION_SHARE = 0.1


def place_of(text: str) -> float:
    """Return the place of a text from 0 to 1, without regard to its case and white space.

    It is made of the first eight bytes of the SHA-256 of the text's UTF-8 bytes.
    """
    normalised = " ".join(text.split()).casefold()
    # JSON can hold half a surrogate as an escape.
    digest = hashlib.sha256(normalised.encode(errors="surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def is_of_split(text: str, split: str) -> bool:
    """Return whether a text belongs to a split of a source that has no validation split.

    A file of training texts gives those with places below 0.1 to validation; equal texts are in
    one split. A file of test texts is all of test.

    Args:
        text: Of the file of that split.
        split: `train`, `validation` or `test`.
    """
    return split == "test" or (place_of(text) < VALIDATION_SHARE) == (split == "validation")

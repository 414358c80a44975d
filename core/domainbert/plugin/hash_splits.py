"""Splits that a source does not have, by the hash of a text: no seed and no order matters."""

from __future__ import annotations

import hashlib


def hash_fraction(text: str, fold: bool = False) -> float:
    """Return the place of a text from 0 to 1: the first eight bytes of its SHA-256 as a fraction.

    Args:
        text: Its UTF-8 bytes are hashed; half a surrogate, which JSON can hold, is no error.
        fold: Whether case and white space do not matter.
    """
    text = " ".join(text.split()).casefold() if fold else text
    digest = hashlib.sha256(text.encode(errors="surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def split_by_hash(text: str, test: float = 0.0, validation: float = 0.1, fold: bool = False) -> str:
    """Return the split of a text, `test`, `validation` or `train`; equal texts are in one.

    Args:
        text: Or a name of what stays together.
        test: Fractions below this one are of test.
        validation: As many fractions behind it are of validation.
        fold: As of `hash_fraction`.
    """
    place = hash_fraction(text, fold)
    if place < test:
        return "test"
    return "validation" if place < test + validation else "train"

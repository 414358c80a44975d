from __future__ import annotations

import hashlib

from domainbert.readers import hash_fraction, split_by_hash


def test_the_place_is_that_of_the_first_eight_bytes_of_the_hash() -> None:
    digest = hashlib.sha256(b"sales rose .").hexdigest()
    for text in ("sales rose .", " Sales\tROSE\u00a0. ", "SALES rose ."):
        assert hash_fraction(text, fold=True) == int(digest[:16], 16) / 16**16
    assert hash_fraction("sales rose .") == int(digest[:16], 16) / 16**16
    assert hash_fraction("SALES rose .") != hash_fraction("sales rose .")


def test_half_a_surrogate_has_a_place() -> None:
    """JSON can hold one as an escape; such a text is in one split too."""
    assert hash_fraction("sales \ud800", fold=True) == hash_fraction("Sales  \ud800", fold=True)


def test_splits_are_ranges_of_places() -> None:
    texts = [f"Text {number}" for number in range(2000)]
    for fold in (False, True):
        split = {text: split_by_hash(text, 0.2, 0.1, fold) for text in texts}
        for text, name in split.items():
            place = hash_fraction(text, fold)
            assert name == ("test" if place < 0.2 else "validation" if place < 0.3 else "train")
        assert {*split.values()} == {"test", "validation", "train"}
    assert {split_by_hash(text) for text in texts} == {"train", "validation"}

from __future__ import annotations

import hashlib

from domainbert_finance.shares import is_of_split, place_of


def test_the_place_is_that_of_the_first_eight_bytes_of_the_hash() -> None:
    digest = hashlib.sha256(b"sales rose .").hexdigest()
    for text in ("sales rose .", " Sales\tROSE\u00a0. ", "SALES rose ."):
        assert place_of(text) == int(digest[:16], 16) / 16**16


def test_a_file_of_training_texts_gives_a_tenth_to_validation() -> None:
    texts = [f"sentence {number}" for number in range(5000)]
    held_out = [text for text in texts if is_of_split(text, "validation")]
    assert [text for text in texts if is_of_split(text, "train")] == [
        text for text in texts if text not in set(held_out)
    ]
    assert held_out == [text for text in texts if place_of(text) < 0.1]
    assert 400 < len(held_out) < 600
    assert all(is_of_split(text, "test") for text in texts)


def test_half_a_surrogate_has_a_place() -> None:
    """JSON can hold one as an escape; such a text is in one split too."""
    assert place_of("sales \ud800") == place_of("Sales  \ud800")
    assert is_of_split("sales \ud800", "train") != is_of_split("sales \ud800", "validation")

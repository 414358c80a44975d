from __future__ import annotations

from domainbert.readers import hash_fraction
from domainbert_finance.shares import is_of_split


def test_a_file_of_training_texts_gives_a_tenth_to_validation() -> None:
    texts = [f"sentence {number}" for number in range(5000)]
    held_out = [text for text in texts if is_of_split(text, "validation")]
    assert [text for text in texts if is_of_split(text, "train")] == [
        text for text in texts if text not in set(held_out)
    ]
    assert held_out == [text for text in texts if hash_fraction(text, fold=True) < 0.1]
    assert 400 < len(held_out) < 600
    assert all(is_of_split(text, "test") for text in texts)


def test_half_a_surrogate_has_a_place() -> None:
    """JSON can hold one as an escape; such a text is in one split too."""
    assert is_of_split("sales \ud800", "train") == is_of_split("Sales  \ud800", "train")
    assert is_of_split("sales \ud800", "train") != is_of_split("sales \ud800", "validation")

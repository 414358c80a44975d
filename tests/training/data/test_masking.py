from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from helpers.training import mask_text
from hypothesis import given
from hypothesis import strategies as st

from domainbert.tokenizer.load import SpecialTokens
from domainbert.training.data.frame import Frame
from domainbert.training.data.masking import MaskingConfig

VOCABULARY = 1000
PAD, UNKNOWN, CLS, SEP, MASK = range(5)
SPECIALS = SpecialTokens(prefix=(CLS,), suffix=(SEP,), mask=MASK, pad=PAD, reserved=(0, 1, 2, 3, 4))
TEXTS = st.lists(st.integers(5, VOCABULARY - 1), min_size=1, max_size=60)
RATES = st.floats(0.01, 0.99)


def rule(rate: float = 0.15, seed: int = 0) -> MaskingConfig:
    return MaskingConfig(rate, seed, SPECIALS, VOCABULARY)


def framed(ids: list[int]) -> list[int]:
    return [CLS, *ids, SEP]


def masked(ids: list[int], how: MaskingConfig, epoch: int = 0, sequence: int = 0) -> Frame:
    return mask_text(np.array(ids, dtype=np.uint16), how, epoch, sequence)


def as_lists(found: Frame) -> tuple[list[int], list[int], list[int]]:
    return found.ids_L.tolist(), found.positions_M.tolist(), found.targets_M.tolist()


@given(ids=TEXTS, rate=RATES, seed=st.integers(0, 2**32 - 1), sequence=st.integers(0, 10**9))
def test_targets_are_the_originals_and_the_rest_is_unchanged(
    ids: list[int], rate: float, seed: int, sequence: int
) -> None:
    inputs, positions, targets = as_lists(masked(ids, rule(rate, seed), 0, sequence))
    restored = list(inputs)
    for position, target in zip(positions, targets, strict=True):
        restored[position] = target
    assert restored == framed(ids)
    assert positions == sorted(set(positions))


@given(ids=TEXTS, seed=st.integers(0, 2**32 - 1), sequence=st.integers(0, 10**9))
def test_at_least_one_token_is_masked_whatever_the_length(
    ids: list[int], seed: int, sequence: int
) -> None:
    assert len(masked(ids, rule(1e-9, seed), 0, sequence).positions_M) == 1


@given(
    ids=st.lists(st.integers(0, 20), min_size=1, max_size=60).filter(lambda ids: max(ids) >= 5),
    sequence=st.integers(0, 10**9),
)
def test_special_and_unknown_tokens_are_neither_masked_nor_drawn(
    ids: list[int], sequence: int
) -> None:
    inputs, positions, targets = as_lists(masked(ids, rule(0.5), 0, sequence))
    assert min(targets) >= 5
    assert {inputs[position] for position in positions} <= {MASK, *range(5, VOCABULARY)}
    assert (inputs[0], inputs[-1]) == (CLS, SEP)


@given(ids=TEXTS, seed=st.integers(0, 2**32 - 1), epoch=st.integers(0, 1000))
def test_masking_is_a_function_of_seed_epoch_and_sequence(
    ids: list[int], seed: int, epoch: int
) -> None:
    first = masked(ids, rule(0.15, seed), epoch, 3)
    masked(ids, rule(0.15, seed + 1), epoch, 4)
    assert as_lists(first) == as_lists(masked(ids, rule(0.15, seed), epoch, 3))


@pytest.mark.parametrize("changed", ["seed", "epoch", "sequence"])
def test_another_seed_epoch_or_sequence_has_other_masks(changed: str) -> None:
    ids = list(range(5, 105))
    found = set()
    for number in range(100):
        place = {"seed": 0, "epoch": 0, "sequence": 0, changed: number}
        how = rule(0.15, place["seed"])
        found.add(tuple(as_lists(masked(ids, how, place["epoch"], place["sequence"]))[1]))
    assert len(found) == 100


def within(count: int, n: int, probability: float) -> bool:
    """Whether a count is within five standard deviations of a binomial's mean."""
    deviation = math.sqrt(n * probability * (1 - probability))
    return abs(count - n * probability) <= 5 * deviation


@pytest.mark.parametrize("rate", [0.15, 0.4])
def test_rate_and_fates_are_those_asked_for(rate: float) -> None:
    ids = list(range(5, 105))
    fates: Counter[str] = Counter()
    places: Counter[int] = Counter()
    sequences = 2000
    for sequence in range(sequences):
        inputs, positions, targets = as_lists(masked(ids, rule(rate), 0, sequence))
        places.update(positions)
        for position, target in zip(positions, targets, strict=True):
            kept = inputs[position] == target
            fates["kept" if kept else "mask" if inputs[position] == MASK else "other"] += 1
    total = sum(fates.values())
    assert within(total, sequences * len(ids), rate)
    assert all(within(places[position], sequences, rate) for position in range(1, 101))
    # A replacement is, once in the number of ordinary ids, the token itself.
    same = 0.1 / (VOCABULARY - 5)
    assert within(fates["mask"], total, 0.8)
    assert within(fates["other"], total, 0.1 - same)
    assert within(fates["kept"], total, 0.1 + same)


def test_first_sequence_golden() -> None:
    assert as_lists(masked(list(range(10, 30)), rule(0.3))) == GOLDEN


GOLDEN = (
    [2, 10, 4, 12, 13, 705, 4, 16, 4, 18, 19, 20, 21, 4, 4, 24, 25, 4, 27, 28, 29, 3],
    [1, 2, 5, 6, 8, 13, 14, 17],
    [10, 11, 14, 15, 17, 22, 23, 26],
)

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from domainbert.training.data.order import (
    SequenceIndex,
    SequenceKey,
    global_batch,
    index_sequences,
    share,
)

LENGTHS = st.lists(st.integers(1, 300), min_size=1, max_size=30)
CAPACITIES = st.integers(1, 64)


def index_of(lengths: list[int], capacity: int, rows: list[int] | None = None) -> SequenceIndex:
    """Index documents of the given lengths; `rows` picks some of them."""
    store: Any = SimpleNamespace(lengths_D=np.array(lengths, dtype=np.int64))
    chosen = np.arange(len(lengths)) if rows is None else np.array(rows)
    return index_sequences(store, chosen, capacity)


def step_batch(index: SequenceIndex, seed: int, step: int, size: int) -> list[SequenceKey]:
    """The sequences of a step of equal batches."""
    return global_batch(index, seed, (step * size, (step + 1) * size))


def batches(index: SequenceIndex, seed: int, size: int, count: int) -> list[SequenceKey]:
    return [key for step in range(count) for key in step_batch(index, seed, step, size)]


@given(lengths=LENGTHS, capacity=CAPACITIES)
@settings(deadline=None)
def test_sequences_cover_every_token_of_every_document_once(
    lengths: list[int], capacity: int
) -> None:
    index = index_of(lengths, capacity)
    rows = index.locate(np.arange(index.n_sequences)).tolist()
    covered = Counter(
        (document, token) for document, start, stop in rows for token in range(start, stop)
    )
    expected = [(document, t) for document, length in enumerate(lengths) for t in range(length)]
    assert covered == Counter(expected)
    assert index.n_tokens == len(expected)


def test_only_the_chosen_documents_are_read_and_by_their_own_rows() -> None:
    index = index_of([5, 9, 4, 30], capacity=8, rows=[1, 3])
    rows = index.locate(np.arange(index.n_sequences)).tolist()
    assert rows == [[1, 0, 4], [1, 4, 9], [3, 0, 7], [3, 7, 15], [3, 15, 22], [3, 22, 30]]


@given(
    lengths=LENGTHS,
    capacity=CAPACITIES,
    size=st.integers(1, 40),
    seed=st.integers(0, 2**32 - 1),
)
@settings(deadline=None, max_examples=30)
def test_every_sequence_appears_once_an_epoch_and_epochs_follow_without_a_gap(
    lengths: list[int], capacity: int, size: int, seed: int
) -> None:
    index = index_of(lengths, capacity)
    n = index.n_sequences
    read = batches(index, seed, size, -(-3 * n // size))
    assert [key.epoch for key in read] == [place // n for place in range(len(read))]
    for epoch in range(3):
        numbers = [key.sequence for key in read[epoch * n : (epoch + 1) * n]]
        assert sorted(numbers) == list(range(n))


@given(
    lengths=LENGTHS,
    rounds=st.integers(1, 12),
    step=st.integers(0, 50),
    world=st.sampled_from([1, 2, 3, 4]),
    micro=st.integers(1, 8),
)
@settings(deadline=None)
def test_processes_together_read_the_global_batch_once_in_full_micro_batches(
    lengths: list[int], rounds: int, step: int, world: int, micro: int
) -> None:
    keys = step_batch(index_of(lengths, 16), 0, step, rounds * world)
    for capacity in (None, micro * 16):
        parts = [share(keys, rank, world, micro, capacity) for rank in range(world)]
        assert Counter(key for rank in parts for batch in rank for key in batch) == Counter(keys)
        assert len({len(rank) for rank in parts}) == 1
        for rank in parts:
            tokens = [sum(key.stop - key.start for key in batch) for batch in rank]
            if capacity is None:
                assert all(1 <= len(batch) <= micro for batch in rank)
            else:
                assert 0 < max(tokens) < capacity + 16
                assert max(tokens) - min(tokens) <= 16


def test_first_batch_golden() -> None:
    index = index_of([20, 7, 33, 14], capacity=10)
    assert [tuple(key) for key in step_batch(index, 0, 0, 6)] == [
        (0, 1, 0, 10, 20), (0, 5, 2, 16, 24), (0, 4, 2, 8, 16), (0, 8, 3, 7, 14), (0, 7, 3, 0, 7),
        (0, 2, 1, 0, 7),
    ]  # fmt: skip
    assert batches(index, 1, 6, 10) == batches(index, 1, 15, 4)

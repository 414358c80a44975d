"""Which sequences form the global batch of a step: a pure function of (corpus, seed, step).

Shapes: B sequences of a global batch, S sequences of the corpus, T training documents.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from domainbert.keyed_random import derive_key, permute

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from domainbert.corpus.store import TokenStore


@dataclass(frozen=True)
class SequenceIndex:
    """Cuts documents into sequences without writing them down.

    A document of n tokens becomes ceil(n / capacity) sequences of nearly equal length, so no
    sequence is a stub of a few tokens and none crosses a document boundary.

    Args:
        documents_T: int64, rows of the token store.
        lengths_T: int64, their tokens.
        ends_T: int64, sequences up to and including each document.
    """

    documents_T: NDArray[np.int64]
    lengths_T: NDArray[np.int64]
    ends_T: NDArray[np.int64]

    @property
    def n_sequences(self) -> int:
        """Sequences in one epoch."""
        return int(self.ends_T[-1])

    @property
    def n_tokens(self) -> int:
        """Tokens in one epoch, without special tokens."""
        return int(self.lengths_T.sum())

    def locate(self, sequences_B: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return (document row, first token, end token) of each sequence; int64, shape (B, 3)."""
        position = np.searchsorted(self.ends_T, sequences_B, side="right")
        before = np.where(position > 0, self.ends_T[position - 1], 0)
        parts = self.ends_T[position] - before
        part, length = sequences_B - before, self.lengths_T[position]
        start, stop = part * length // parts, (part + 1) * length // parts
        return np.stack([self.documents_T[position], start, stop], axis=1)


def index_sequences(
    store: TokenStore, documents_T: NDArray[np.int64], capacity: int
) -> SequenceIndex:
    """Index the sequences of the given documents.

    Args:
        store: Token store.
        documents_T: Rows to use; each has at least one token.
        capacity: Tokens of text in one sequence, special tokens excluded.
    """
    lengths_T = store.lengths_D[documents_T]
    return SequenceIndex(documents_T, lengths_T, np.cumsum(-(-lengths_T // capacity)))


class SequenceKey(NamedTuple):
    """Identifies one reading of one sequence; masks depend on it alone.

    Args:
        epoch: Which pass over the corpus.
        sequence: Number of the sequence.
        document: Row of the token store.
        start: First token.
        stop: End token.
    """

    epoch: int
    sequence: int
    document: int
    start: int
    stop: int


def global_batch(index: SequenceIndex, seed: int, places: tuple[int, int]) -> list[SequenceKey]:
    """Return the sequences of an optimizer step, whatever the number of processes.

    Epochs follow each other without a gap, each in its own order; nothing is dropped.

    Args:
        index: Sequences of one epoch.
        seed: Of the order.
        places: First place and end of the step, from `batch_places`.
    """
    epochs, within = np.divmod(np.arange(*places, dtype=np.int64), index.n_sequences)
    keys: list[SequenceKey] = []
    for epoch in np.unique(epochs).tolist():
        key = derive_key("order", seed, epoch)
        sequences_B = permute(within[epochs == epoch], index.n_sequences, key)
        rows_B4: Any = np.column_stack([sequences_B, index.locate(sequences_B)]).tolist()
        keys += [SequenceKey(epoch, *row) for row in rows_B4]
    return keys


def share(
    keys: list[SequenceKey], rank: int, world: int, micro: int, capacity: int | None = None
) -> list[list[SequenceKey]]:
    """Return the micro-batches of one process; every process has as many.

    Sequences are sorted by length first, so that a micro-batch holds little padding and every
    process gets as much work as the others. The loss does not depend on it.

    Args:
        keys: The global batch.
        rank: Which process.
        world: Number of processes; divides the number of keys.
        micro: Most sequences of a padded micro-batch.
        capacity: Tokens of text in a packed micro-batch, about; None for padded ones.
    """
    ordered = sorted(keys, key=lambda key: (key.start - key.stop, key.epoch, key.sequence))
    mine = ordered[rank::world]
    if capacity is None:
        return [mine[i : i + micro] for i in range(0, len(mine), micro)]
    # The first process has the longest sequences.
    most = sum(key.stop - key.start for key in ordered[::world])
    parts = min(-(-most // capacity), len(mine))
    return [mine[part::parts] for part in range(parts)]

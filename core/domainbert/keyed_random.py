"""Random numbers as a pure function of a key and a counter.

There is no generator state to save, skip or restore: the number at a place is computed from the
place. The mixing function is the finaliser of SplitMix64 (Steele, Lea and Flood 2014,
doi:10.1145/2660193.2660195), applied once for each coordinate.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    U64 = NDArray[np.uint64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_ROUNDS = 6


def derive_key(*parts: int | str | bytes) -> int:
    """Return a 64-bit key that depends on every part and their order."""
    text = b"\x1f".join(part if isinstance(part, bytes) else str(part).encode() for part in parts)
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little")


def mix(values: U64) -> U64:
    """Scramble 64-bit words; a bijection of uint64."""
    with np.errstate(over="ignore"):
        values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def random_words(key: int, *coordinates: Any) -> U64:
    """Return a uint64 for each place of the broadcast coordinates.

    Args:
        key: From `derive_key`.
        coordinates: Non-negative integer arrays or numbers.
    """
    with np.errstate(over="ignore"):
        words = mix(np.asarray(key, dtype=np.uint64) + _GOLDEN)
        for coordinate in coordinates:
            step = (np.asarray(coordinate).astype(np.uint64) + np.uint64(1)) * _GOLDEN
            words = mix(words + step)
    return words


def uniforms(words: U64) -> NDArray[np.float64]:
    """Map words to [0, 1) with 53 bits."""
    return (words >> np.uint64(11)).astype(np.float64) * 2.0**-53


def permute(indices: Any, size: int, key: int) -> NDArray[np.int64]:
    """Return where a keyed permutation of `range(size)` sends each index, in constant memory.

    A Feistel network permutes the next larger power of four; results outside the range are sent
    through again until they fall inside (cycle walking; Black and Rogaway 2002).
    """
    half = max(1, ((size - 1).bit_length() + 1) // 2)
    mask, shift = np.uint64((1 << half) - 1), np.uint64(half)
    values = np.asarray(indices, dtype=np.uint64).copy()
    outside = np.ones(values.shape, dtype=bool)
    while outside.any():
        left, right = values[outside] >> shift, values[outside] & mask
        for turn in range(_ROUNDS):
            left, right = right, left ^ (random_words(key, turn, right) & mask)
        values[outside] = (left << shift) | right
        outside = values >= np.uint64(size)
    return values.astype(np.int64)

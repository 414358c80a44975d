"""Step `near-duplicates`: of documents that share most of their wording the first is kept.

MinHash finds candidates (Broder 1997), and their shingles are compared exactly, so that no
dropped document is less similar than stated. Numbers are words like others: claims and filings that
differ in numbers alone are judged by how much else they say.

Legend: N documents, P permutations, B bands.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from domainbert.batching import batched
from domainbert.corpus.steps.shingles import BASE, Hashes, jaccard, shingles
from domainbert.corpus.steps.spool import Spool, open_spool
from domainbert.plugin.domain import Document
from domainbert.plugin.steps import Drops, StepContext
from domainbert.recipe.sections import Section

_BANDS = 20
# A pair as similar as the threshold becomes a candidate with this probability or more.
_RECALL = 0.99
_SEED = 1
# Templates make families of documents that are candidates and no duplicates; without these bounds
# their number is squared.
_MOST_KEPT, _MOST_COMPARED = 500, 16
_BATCH = 256


class Options(Section):
    """Options of `near-duplicates`."""

    threshold: float = Field(default=0.8, ge=0.5, lt=1)
    """Least Jaccard similarity of the shingles of two documents that count as one."""
    words: int = Field(default=5, ge=1, le=20)
    """Words per shingle."""


def near_duplicates(options: Options, _context: StepContext) -> Any:
    """Return the step with its options."""

    def apply(documents: Iterable[Document], drops: Drops) -> Iterator[Document]:
        with open_spool() as spool:
            keys_NB, marks_NP = _signatures(documents, options, spool)
            yield from _first_of_each(spool, _groups(keys_NB), marks_NP, options, drops)

    return apply


def _signatures(
    documents: Iterable[Document], options: Options, spool: Spool
) -> tuple[NDArray[np.uint64], NDArray[np.uint16]]:
    """Write documents to disk; return a key per band, (N, B), and the signatures, (N, P).

    Two documents with an equal key in any band are candidates. The share of equal places in two
    signatures estimates their similarity; the low 16 bits are enough for that.
    """
    from rensa import RMinHash

    # A pair of similarity s shares a band of r rows with probability s^r.
    least = 1 - (1 - _RECALL) ** (1 / _BANDS)
    rows = max(1, math.floor(math.log(least) / math.log(options.threshold)))
    keys = [np.empty((0, _BANDS), dtype=np.uint64)]
    marks = [np.empty((0, _BANDS * rows), dtype=np.uint16)]
    for batch in batched(documents, _BATCH):
        sets = []
        for document in batch:
            spool.add(document)
            sets.append(shingles(document.text, options.words))
        ends = np.cumsum([0, *map(len, sets)]).astype(np.uint64)
        given = np.concatenate(sets), ends, _BANDS * rows, _SEED
        matrix = RMinHash.digest_matrix_from_flat_token_hashes(*given)
        digests = np.array(matrix.to_rows(), dtype=np.uint64).reshape(len(batch), _BANDS, rows)
        keys_NB = np.zeros(digests.shape[:2], dtype=np.uint64)
        for row in range(rows):
            keys_NB *= np.uint64(BASE)
            keys_NB += digests[:, :, row]
        keys.append(keys_NB)
        marks.append(digests.reshape(len(batch), -1).astype(np.uint16))
    return np.concatenate(keys), np.concatenate(marks)


def _groups(keys_NB: NDArray[np.uint64]) -> dict[int, list[int]]:
    """Return the groups of each document that shares a key with another; a group per key."""
    groups: dict[int, list[int]] = {}
    number = 0
    for band in range(keys_NB.shape[1]):
        order_N = np.argsort(keys_NB[:, band], kind="stable")
        sorted_N = keys_NB[order_N, band]
        ends = np.flatnonzero(np.diff(sorted_N)) + 1
        starts = np.concatenate([[0], ends])
        stops = np.concatenate([ends, [len(order_N)]])
        for start, stop in zip(starts, stops, strict=True):
            if stop - start > 1:
                for document in order_N[start:stop].tolist():
                    groups.setdefault(document, []).append(number)
                number += 1
    return groups


def _first_of_each(
    spool: Spool,
    groups: Mapping[int, list[int]],
    marks_NP: NDArray[np.uint16],
    options: Options,
    drops: Drops,
) -> Iterator[Document]:
    @lru_cache(maxsize=8192)
    def wording(number: int) -> Hashes:
        return shingles(spool.read(number).text, options.words)

    kept: dict[int, list[int]] = {}
    for number in range(len(spool)):
        document, own = spool.read(number), groups.get(number, ())
        earlier = dict.fromkeys(chain.from_iterable(kept.get(group, ()) for group in own))
        near = _nearest(marks_NP, number, list(earlier), options.threshold) if earlier else ()
        alike = (n for n in near if jaccard(wording(number), wording(n)) >= options.threshold)
        first = next(alike, None)
        if first is not None:
            drops.drop(document, "near_duplicate", f"of {spool.read(first).source}")
            continue
        for group in own:
            if len(members := kept.setdefault(group, [])) < _MOST_KEPT:
                members.append(number)
        yield document


def _nearest(
    marks_NP: NDArray[np.uint16], number: int, others: list[int], threshold: float
) -> list[int]:
    """Return the candidates worth an exact comparison, the most similar by signature first."""
    estimates = (marks_NP[others] == marks_NP[number]).mean(axis=1)
    error = math.sqrt(threshold * (1 - threshold) / marks_NP.shape[1])
    order = np.argsort(-estimates, kind="stable")[:_MOST_COMPARED]
    return [others[place] for place in order.tolist() if estimates[place] > threshold - 2 * error]

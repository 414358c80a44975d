"""Splits of one file by shares, and label budgets: functions of the texts alone."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any


def share_out(
    records: Sequence[Any], texts: Sequence[str], shares: Mapping[str, float]
) -> dict[str, list[Any]]:
    """Return the records of each split, in the order of the file.

    Texts are ordered by their hash, so that neither the order of the file nor a seed matters, and
    copies of one text are in one split.

    Args:
        records: Of the whole file.
        texts: Text of each record, or what names the group that it belongs to.
        shares: Name of a split → its share of the different texts; together one.
    """
    keys = [_key(text) for text in texts]
    ordered = sorted({*keys})
    split_of: dict[bytes, str] = {}
    start, done = 0, 0.0
    for name, share in shares.items():
        done += share
        stop = round(done * len(ordered))
        split_of |= dict.fromkeys(ordered[start:stop], name)
        start = stop
    parts: dict[str, list[Any]] = {name: [] for name in shares}
    for key, record in zip(keys, records, strict=True):
        parts[split_of[key]].append(record)
    return parts


def label_budget(
    records: Sequence[Any],
    text: Callable[[Any], str],
    labels: Callable[[Any], Iterable[str]],
    n_records: int,
) -> tuple[Any, ...]:
    """Return the records with the smallest text hashes, in their order; smaller sets are nested.

    A record with a label that none before it has goes before the others, so that a rare class is
    in every budget that has room for one record of each label.

    Args:
        records: Of the training split.
        text: A record to its text.
        labels: A record to its labels.
        n_records: How many to keep, of copies of a text the first ones.
    """
    keys = [_key(text(record)) for record in records]
    seen: set[str] = set()
    first: list[int] = []
    others: list[int] = []
    for number in sorted(range(len(records)), key=lambda number: (keys[number], number)):
        new = {*labels(records[number])} - seen
        seen |= new
        (first if new else others).append(number)
    return tuple(records[number] for number in sorted((first + others)[:n_records]))


def _key(text: str) -> bytes:
    folded = " ".join(text.casefold().split())
    return hashlib.sha256(folded.encode(errors="surrogatepass")).digest()

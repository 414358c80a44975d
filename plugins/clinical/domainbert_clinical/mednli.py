"""Read MedNLI: pairs of a sentence from a note and a hypothesis, in JSON lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from domainbert import DataError, Pair, TaskReader
from domainbert.readers import read_objects
from domainbert_clinical.placeholders import with_words

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from domainbert import Task

LABELS = ("entailment", "neutral", "contradiction")


def read_mednli(path: Path, _task: Task, counts: Counter[str]) -> Iterator[Pair]:
    """Yield the pairs of a file with `sentence1`, `sentence2` and `gold_label` per line.

    Placeholders become plain words, as in the corpus. A pair without agreement, whose label is `-`,
    is left out: `counts["without_label"]`.

    Args:
        path: JSON lines, plain or compressed.
        _task: Not used.
        counts: Receives the remarks.

    Raises:
        DataError: The file cannot be read, or a line lacks a text or has another label.
    """
    for number, row in read_objects(path):
        where = f"{path}:{number}"
        label = _text(row, "gold_label", where)
        if label == "-":
            counts["without_label"] += 1
            continue
        if label not in LABELS:
            raise DataError(f"{where}: gold_label {label!r}. Expected one of {', '.join(LABELS)}.")
        first, second = (with_words(_text(row, f"sentence{n}", where)) for n in (1, 2))
        yield Pair(first, second, (label,))


def _text(row: Mapping[str, Any], key: str, where: str) -> str:
    value = row.get(key)
    if not isinstance(value, str) or not value.strip():
        raise DataError(f"{where}: no text in {key!r}; the line has {', '.join(list(row)[:20])}.")
    return value.strip()


MEDNLI = TaskReader("mednli", "pairs", (), read_mednli)
"""Reads MedNLI with `format: mednli`."""

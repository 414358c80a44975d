"""A kind of task: does the second sentence follow from the first?

A record is a pair of texts with one label, read from tab-separated lines. All but reading, text and
windows is as in classification.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import domainbert


@dataclass(frozen=True)
class Pair:
    """Two texts and the label of what holds between them."""

    first: str
    second: str
    labels: tuple[str, ...]

    @property
    def text(self) -> str:
        """Both texts, for baselines."""
        return f"{self.first} {self.second}"


def read(path: Path, task: domainbert.Task) -> Iterator[Pair]:
    """Yield the pairs of a file with the columns first, second, label."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        columns = line.split("\t")
        if len(columns) != 3:
            raise domainbert.DataError(f"{path}:{number}: expected first, second and label.")
        yield Pair(columns[0], columns[1], (columns[2],))


def encode(pairs: Sequence[Pair], tokenizer: Any, settings: Any) -> list[domainbert.Window]:
    """Return one window per pair; the longer text is cut."""
    windows = []
    for number, pair in enumerate(pairs):
        ids = tokenizer(
            pair.first, pair.second, truncation=True, max_length=settings.max_seq_length
        )["input_ids"]
        windows.append(domainbert.Window(number, tuple(ids)))
    return windows


@domainbert.hookimpl
def domainbert_components() -> Iterator[domainbert.TaskKind]:
    """Yield the kind."""
    yield replace(
        domainbert.CLASSIFICATION,
        name="sentence-pair",
        record=Pair,
        noun="pair",
        read=read,
        text=lambda pair: pair.text,
        encode=encode,
        baselines=lambda _loaded: ("majority",),
        count_long=lambda _pairs, _tokenizer, _length: 0,
    )

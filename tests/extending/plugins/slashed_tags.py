"""A task reader for sentences in which a slash stands between each word and its tag."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import domainbert
from domainbert.readers import read_lines


def read_slashed(
    path: Path, _task: domainbert.Task, counts: Counter[str]
) -> Iterator[domainbert.Sentence]:
    """Yield a sentence per line, such as `The/O pump/B-PART`; blank lines are counted."""
    for number, line in read_lines(path):
        words = [part.rpartition("/") for part in line.split()]
        if not words:
            counts["blank_lines"] += 1
        elif all(word and tag for word, _, tag in words):
            yield domainbert.Sentence(*zip(*((word, tag) for word, _, tag in words), strict=True))
        else:
            raise domainbert.DataError(f"{path}:{number}: expected WORD/TAG, found {line[:60]!r}.")


@domainbert.hookimpl
def domainbert_components() -> Iterator[domainbert.TaskReader]:
    """Yield the reader `slashed`."""
    yield domainbert.TaskReader("slashed", "tagging", (".tagged",), read_slashed)

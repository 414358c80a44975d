"""Read the sentences of the Stanford Sentiment Treebank: a sentence, a tab, and 0 or 1 per line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domainbert import DataError, Example
from domainbert.readers import read_lines

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LABELS = ("negative", "positive")


def read_sst2(path: Path, _split: str) -> Iterator[Example]:
    """Yield the sentences of a file with their classes, in order.

    Raises:
        DataError: The file cannot be read, or a line has no sentence, or no 0 or 1 after the tab.
    """
    for number, line in read_lines(path):
        sentence, tab, label = line.strip().rpartition("\t")
        if not (tab and sentence.strip() and label in {"0", "1"}):
            raise DataError(
                f"{path}:{number}: expected a sentence, a tab, and 0 (negative) or 1 (positive), "
                f"found {line[-60:]!r}."
            )
        yield Example(sentence.strip(), (LABELS[int(label)],))

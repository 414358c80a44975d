"""Read the Financial PhraseBank and share its sentences out among splits.

There is no official split. Here the hash of its words assigns a sentence to a split, so it is in
the same split at all four levels of agreement, and no sentence of one level's training data is in
the test data of another. As measured on the files that the tasks declare:

| level | lines | repeated lines | sentences with two labels | sentences read |
| --- | --- | --- | --- | --- |
| 50Agree | 4846 | 6 | 2 | 4836 |
| 66Agree | 4217 | 6 | 0 | 4211 |
| 75Agree | 3453 | 5 | 0 | 3448 |
| AllAgree | 2264 | 5 | 0 | 2259 |
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domainbert import DataError, Example
from domainbert.readers import read_lines, split_by_hash

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LABELS = ("negative", "neutral", "positive")
TEST_SHARE = 0.2
VALIDATION_SHARE = 0.1


def split_of(sentence: str) -> str:
    """Return the split of a sentence: `test`, `validation` or `train`.

    It depends on the sentence alone, without regard to case and white space: the first eight bytes
    of its SHA-256, read as a fraction of one, are below 0.2 for test and below 0.3 for validation.
    """
    return split_by_hash(sentence, TEST_SHARE, VALIDATION_SHARE, fold=True)


def read_phrasebank(path: Path, split: str) -> Iterator[Example]:
    """Yield the sentences of one split with their labels, in file order.

    White space is folded. A line that repeats another, label included, is read once; a sentence
    that has two labels is left out. The label stands after the last `@`: there may be others.

    Args:
        path: A file `Sentences_...Agree.txt`: ISO-8859-1, `sentence@label` a line.
        split: `train`, `validation` or `test`.

    Raises:
        DataError: The file cannot be read, or a line has no `@`, no sentence or another label.
    """
    for sentence, labels in _labels_of_sentences(path).items():
        if len(labels) == 1 and split_of(sentence) == split:
            yield Example(sentence, tuple(labels))


def _labels_of_sentences(path: Path) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for number, line in read_lines(path, "iso-8859-1"):
        if not line.strip():
            continue
        text, at, label = line.rpartition("@")
        sentence, label = " ".join(text.split()), label.strip()
        if not at or not sentence or label not in LABELS:
            raise DataError(
                f"{path}:{number}: expected `sentence@label` with one of {', '.join(LABELS)}, "
                f"found {line[-60:]!r}."
            )
        found.setdefault(sentence, set()).add(label)
    return found

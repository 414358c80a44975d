"""Read posts on companies and markets with their tone: Twitter Financial News.

The tables have the columns `text` and `label`. As the source counts them:

| file | posts | bearish | bullish | neutral |
| --- | --- | --- | --- | --- |
| sent_train.csv | 9543 | 1442 | 1923 | 6178 |
| sent_valid.csv | 2388 | 347 | 475 | 1566 |
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domainbert import DataError, Example
from domainbert.readers import read_rows
from domainbert_finance.shares import is_of_split

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LABELS = ("bearish", "bullish", "neutral")
"""In the order of the numbers in the files, from 0."""


def read_tweets(path: Path, split: str) -> Iterator[Example]:
    """Yield the posts of one split with their labels, in file order.

    Args:
        path: A .csv file whose header names the columns `text` and `label`, in any order.
        split: `train` and `validation` share out one file by the hash of the text; `test` is all
            of it, which the source calls its validation data.

    Raises:
        DataError: The file cannot be read or is malformed, a column is missing, a text is empty, or
            a label is none of 0, 1 and 2.
    """
    for number, row in read_rows(path, needed=("text", "label")):
        text, label = " ".join(row["text"].split()), row["label"].strip()
        if not text or label not in {"0", "1", "2"}:
            raise DataError(
                f"{path}:{number}: expected a text and a label, 0 (bearish), 1 (bullish) or 2 "
                f"(neutral), found {row['text'][:40]!r} and {row['label'][:20]!r}."
            )
        if is_of_split(text, split):
            yield Example(text, (LABELS[int(label)],))

"""Read sentences of the Federal Open Market Committee with their stance (Shah et al. 2023).

The workbooks have the columns `index`, `sentence`, `year` and `label`. As the source counts them:

| file | sentences | dovish | hawkish | neutral |
| --- | --- | --- | --- | --- |
| train, seed 5768 | 1903 | 498 | 476 | 929 |
| test, seed 5768 | 476 | 127 | 124 | 225 |
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domainbert import DataError, Example
from domainbert.readers import read_table_rows
from domainbert_finance.shares import is_of_split

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LABELS = ("dovish", "hawkish", "neutral")
"""In the order of the numbers in the files, from 0."""


def read_stance(path: Path, split: str) -> Iterator[Example]:
    """Yield the sentences of one split with their stance, in file order.

    Args:
        path: An .xlsx workbook with the columns `sentence` and `label`, which needs `openpyxl`.
        split: `train` and `validation` share out one file by the hash of the sentence; `test` is
            all of it.

    Raises:
        DataError: The file is no workbook, `openpyxl` or a column is missing, a sentence is empty,
            or a label is none of 0, 1 and 2.
    """
    for where, row in read_table_rows(path, "xlsx", needed=("sentence", "label")):
        sentence = " ".join(str(row["sentence"]).split())
        # A column with a gap anywhere holds its whole numbers as 0.0, 1.0 and 2.0.
        label = str(row["label"]).strip().removesuffix(".0")
        if not sentence or label not in {"0", "1", "2"}:
            raise DataError(
                f"{where}: expected a sentence and a label, 0 (dovish), 1 (hawkish) or 2 "
                f"(neutral), found {sentence[:40]!r} and {str(row['label'])[:20]!r}."
            )
        if is_of_split(sentence, split):
            yield Example(sentence, (LABELS[int(label)],))

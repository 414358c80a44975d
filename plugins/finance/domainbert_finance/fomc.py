"""Read minutes, speeches and press conferences of the Federal Open Market Committee.

The user brings the files, in the layout of `gtfintechlab/fomc-hawkish-dovish`: minutes as a text in
one line, speeches as a sentence per line, press conferences as tables with `speaker` and
`sentence`.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from domainbert import DataError, Document
from domainbert.readers import decode_western, plain_suffix, read_bytes, read_rows
from domainbert_finance.files import MAX_BYTES, is_html

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def read_fomc(path: Path) -> Iterator[Document]:
    """Yield the document of a file: all lines of a text, or all sentences of a table.

    White space is folded within a line, and lines without text are left out. In a table the
    sentences of a turn are one paragraph: a turn ends where `speaker` changes. A table without that
    column has a paragraph per sentence.

    Args:
        path: A `.txt` or `.csv` file, plain or compressed; a text in UTF-8 or Windows-1252.

    Raises:
        DataError: The file cannot be read, is no text, is HTML, or is larger than 256 MiB; or a
            table is malformed or has no column `sentence`.
    """
    if plain_suffix(path) == ".csv":
        lines = _turns(path)
    elif plain_suffix(path) == ".txt":
        text = decode_western(read_bytes(path, MAX_BYTES), str(path))
        if is_html(text):
            raise DataError(f"{path}: HTML, expected plain text. Save the page as text.")
        lines = (" ".join(line.split()) for line in text.split("\n"))
    else:
        raise DataError(f"{path}: expected a .txt or .csv file, plain or compressed.")
    whole = "\n".join(filter(None, lines))
    if whole:
        stem = path.name.partition(".")[0]
        yield Document(stem, whole, path.name)


def _turns(path: Path) -> Iterator[str]:
    rows = (row for _, row in read_rows(path, needed=("sentence",)))
    numbered = enumerate(rows)
    turns = groupby(numbered, key=lambda item: item[1].get("speaker", item[0]))
    for _, turn in turns:
        yield " ".join(" ".join(row["sentence"].split()) for _, row in turn).strip()

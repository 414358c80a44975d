"""Read entities in loan agreements that were filed with the SEC (Salinas Alvarado et al. 2015).

The files have a word, its part of speech, `-` and an IO tag a line, blanks between them. IO does
not say where a mention ends if another of its type follows at once; the two are read as one. As
measured on the files that the task `sec-ner` declares:

| split | documents | sentences | words | PER | ORG | LOC | MISC |
| --- | --- | --- | --- | --- | --- | --- | --- |
| train | 4 of FIN5 | 892 | 33905 | 743 | 216 | 142 | 7 |
| validation | 1 of FIN5 | 272 | 7105 | 4 | 27 | 29 | 0 |
| test | 3 of FIN3 | 303 | 13246 | 216 | 56 | 39 | 7 |
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from domainbert import DataError, Sentence
from domainbert.readers import read_lines

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LABELS = ("PER", "ORG", "LOC", "MISC")

_Document = list[Sentence]


def read_sec_ner(path: Path, split: str) -> Iterator[Sentence]:
    """Yield the sentences of a split with tags in IOB2.

    The source has no validation split. The one document of the training file whose words have the
    smallest SHA-256 is it: whole documents, since agreements repeat their parties' names.

    Args:
        path: A UTF-8 file in columns; `-DOCSTART-` lines start documents.
        split: `train` and `validation` share out one file; any other is all of it.

    Raises:
        DataError: The file cannot be read, is not UTF-8, a line has other than four columns or
            another tag, or there are not two documents to share out.
    """
    documents = _documents(path)
    if split in {"train", "validation"}:
        if len(documents) < 2:
            raise DataError(
                f"{path}: {len(documents)} document(s), marked by -DOCSTART-; train and validation "
                "need two at least."
            )
        chosen = min(documents, key=_hash)
        documents = [item for item in documents if (item is chosen) == (split == "validation")]
    for document in documents:
        yield from document


def _hash(document: _Document) -> str:
    words = " ".join(word for sentence in document for word in sentence.words)
    return hashlib.sha256(words.encode("utf-8")).hexdigest()


def _documents(path: Path) -> list[_Document]:
    documents: list[_Document] = []
    words: list[str] = []
    tags: list[str] = []
    for number, line in read_lines(path):
        columns = line.split()
        starts = bool(columns) and columns[0] == "-DOCSTART-"
        if (starts or not columns) and words:
            documents[-1].append(Sentence(tuple(words), tuple(tags)))
            words, tags = [], []
        if starts:
            documents.append([])
        elif columns:
            if not documents:
                raise DataError(f"{path}:{number}: expected a -DOCSTART- line before any word.")
            tags.append(_iob2(columns, tags[-1] if tags else "O", f"{path}:{number}"))
            words.append(columns[0])
    if words:
        documents[-1].append(Sentence(tuple(words), tuple(tags)))
    return [document for document in documents if document]


def _iob2(columns: list[str], previous: str, where: str) -> str:
    """Return the tag of a line; the first word of a mention gets `B-`."""
    tag = columns[-1]
    if len(columns) != 4 or (tag != "O" and tag not in {f"I-{label}" for label in LABELS}):
        raise DataError(
            f"{where}: expected a word, its part of speech, `-` and a tag, O or I- with one of "
            f"{', '.join(LABELS)}, found {' '.join(columns)[:60]!r}."
        )
    return "B-" + tag[2:] if tag != "O" and previous[2:] != tag[2:] else tag

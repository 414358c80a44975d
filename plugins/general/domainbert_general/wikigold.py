"""Read Wikigold (Balasuriya et al. 2009) and share its articles out among splits.

The file has a word and an IO tag per line, and `-DOCSTART-` between articles. It has no split. The
hash of its words assigns an article to one, so sentences of one article stay together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domainbert import DataError, Sentence
from domainbert.readers import read_lines, split_by_hash

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LABELS = ("PER", "ORG", "LOC", "MISC")
TEST_SHARE, VALIDATION_SHARE = 0.2, 0.1


def read_wikigold(path: Path, split: str) -> Iterator[Sentence]:
    """Yield the sentences of a split with tags in IOB2, in file order.

    Args:
        path: A UTF-8 file with a word and a tag per line.
        split: `train`, `validation` or `test`.

    Raises:
        DataError: The file cannot be read, or a line has no word and tag.
    """
    for number, article in enumerate(_articles(path), start=1):
        if _split_of(article) == split:
            for words, tags in article:
                yield Sentence(words, tags, f"article {number}")


_Article = list[tuple[tuple[str, ...], tuple[str, ...]]]


def _split_of(article: _Article) -> str:
    words = " ".join(word for words, _ in article for word in words)
    return split_by_hash(words, TEST_SHARE, VALIDATION_SHARE)


def _articles(path: Path) -> Iterator[_Article]:
    article: _Article = []
    words: list[str] = []
    tags: list[str] = []
    for number, line in read_lines(path):
        columns = line.split()
        starts = columns[:1] == ["-DOCSTART-"]
        if (starts or not columns) and words:
            article.append((tuple(words), tuple(tags)))
            words, tags = [], []
        if starts and article:
            yield article
            article = []
        elif columns and not starts:
            tags.append(_iob2(columns, tags[-1] if tags else "O", f"{path}:{number}"))
            words.append(columns[0])
    if words:
        article.append((tuple(words), tuple(tags)))
    if article:
        yield article


def _iob2(columns: list[str], previous: str, where: str) -> str:
    """Return the tag of a line; the first word of a mention gets `B-`."""
    tag = columns[-1]
    if len(columns) != 2 or (tag != "O" and tag not in {f"I-{label}" for label in LABELS}):
        raise DataError(
            f"{where}: expected a word and a tag, O or I- with one of {', '.join(LABELS)}, found "
            f"{' '.join(columns)[:60]!r}."
        )
    return "B-" + tag[2:] if tag != "O" and previous[2:] != tag[2:] else tag

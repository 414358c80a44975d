"""Read the NCBI disease corpus as published: PubTator text with character offsets.

The CoNLL files of the same corpus are tokenised; these are not, so that a tokeniser's choices do
not come between a model and the text. The two count differently, as measured on the files that the
task `ncbi-disease-pubtator` declares:

| split | abstracts in the file | read | mentions in the file | spans read | sentences | CoNLL's |
| --- | --- | --- | --- | --- | --- | --- |
| train | 593 | 592 | 5145 | 5134 | 5145 | 5432 |
| develop | 100 | 100 | 787 | 787 | 883 | 923 |
| test | 100 | 100 | 960 | 960 | 882 | 940 |

The missing mentions are of PMID 8528200, which stands twice in train, word for word, with 11
mentions; it is read once. The CoNLL files hold it twice. They also extend two train mentions that
end one letter early (`autosomal dominant disorde`); here the last letter becomes a separate word,
outside. And they end sentences within numbers that the text writes with a blank (`2. 8%`), which
accounts for most of the sentences that they have more.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from domainbert.readers import read_pubtator as read_blocks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from domainbert import Sentence

TYPE_OF_CLASS = {
    "SpecificDisease": "Disease",
    "DiseaseClass": "Disease",
    "Modifier": "Disease",
    "CompositeMention": "Disease",
}


def read_pubtator(
    path: Path, _split: str = "", counts: Counter[str] | None = None
) -> Iterator[Sentence]:
    """Yield the sentences of a PubTator file of the NCBI disease corpus, tagged in IOB2.

    All four classes become `Disease` (`TYPE_OF_CLASS`). An abstract that stands twice is read once.

    Args:
        path: A UTF-8 file in that format.
        counts: Receives the remarks.

    Raises:
        DataError: As of `domainbert.readers.read_pubtator`; or another class.
    """
    return read_blocks(path, Counter() if counts is None else counts, TYPE_OF_CLASS)

"""The letters of every real file come through in their order, and no others do."""

from __future__ import annotations

import gzip
import html
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from domainbert_finance.items import read_10k
from domainbert_finance.reuters import read_reuters
from domainbert_finance.submission import read_submission

ASCII = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
READERS = {
    "edgar_8k": read_submission, "edgar_submission": read_submission, "edgar_html": read_10k,
    "reuters_sgml": read_reuters,
}  # fmt: skip
ONE_OF_EACH = {
    "edgar_8k": "1000180_8K_2011_0001000180-11-000003.htm",
    "edgar_submission": "0000899681-95-000096.txt",
    "edgar_html": "aapl-10-k-2024-11-01.html.gz",
    "reuters_sgml": "reut2-021.sgm.gz",
}


def letters(text: str) -> str:
    return "".join(filter(ASCII.__contains__, text))


@pytest.mark.parametrize("kind", READERS)
def test_letters_of_real_files(kind: str, real: Callable[[str], Path]) -> None:
    folder = real(f"{kind}/{ONE_OF_EACH[kind]}").parent
    seen = 0
    for path in sorted(folder.iterdir()):
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        text = re.sub(
            "<[^>]*>",
            "",
            content.decode("latin-1" if kind == "reuters_sgml" else "utf-8", "replace"),
        )
        left = iter(letters(html.unescape(text)))
        for document in READERS[kind](path):
            assert all(letter in left for letter in letters(document.text)), document.source
            seen += 1
    assert seen >= 3

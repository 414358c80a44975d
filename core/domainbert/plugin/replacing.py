"""Steps that replace what patterns find, and count it: personal data, boilerplate."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from domainbert.plugin.domain import Document
from domainbert.plugin.steps import Apply, Drops


def replacing(patterns: Mapping[str, tuple[re.Pattern[str], str]]) -> Apply:
    r"""Return what a `CorpusStep` does that replaces matches in every text.

    Documents without text behind it are dropped as `empty`. Such a step works `apart`.

    Args:
        patterns: Name of the count → pattern, and text in place of a match. A pattern that takes
            whole lines begins with `(?m)^` and ends with `(?:\n|\Z)`.
    """

    def apply(documents: Iterable[Document], drops: Drops) -> Iterator[Document]:
        for document in documents:
            text = document.text
            for name, (pattern, instead) in patterns.items():
                text, found = pattern.subn(instead, text)
                drops[name] += found
            yield document if text == document.text else replace(document, text=text.strip("\n"))

    return apply

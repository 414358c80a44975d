"""Step `normalise`: Unicode NFC, without control characters, white space folded."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

from domainbert.plugin.domain import Document

_BLANKS = re.compile(r"[^\S\n]+")
_LINE_ENDS = re.compile(r"\s*\n\s*")
# Everything in Unicode's control category but newline and tab, which are white space here.
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufeff\ud800-\udfff]")


def normalise(text: str) -> str:
    """Return text in Unicode NFC, without control characters, white space folded.

    Newlines stay as paragraph marks, alone and without blanks around them.
    """
    text = _CONTROLS.sub(" ", text.replace("\r\n", "\n").replace("\r", "\n"))
    text = unicodedata.normalize("NFC", text)
    return _LINE_ENDS.sub("\n", _BLANKS.sub(" ", text)).strip()


def normalise_documents(documents: Iterable[Document], _: Counter[str]) -> Iterator[Document]:
    """Yield documents with normalised texts."""
    for document in documents:
        yield replace(document, text=normalise(document.text))

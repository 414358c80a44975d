"""Normalise documents and drop what cannot be learned from, with counts."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from domainbert.plugin.domain import Document

_BLANKS = re.compile(r"[^\S\n]+")
_LINE_ENDS = re.compile(r"\s*\n\s*")
# Everything in Unicode's control category but newline and tab, which are white space here.
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufeff\ud800-\udfff]")


@dataclass(frozen=True)
class CleanDocument:
    """A normalised document.

    Args:
        id: As read.
        text: Normalised, never empty.
        source: As read.
        sha256: Hash of the text; decides held-out membership and masks.
    """

    id: str
    text: str
    source: str
    sha256: bytes


def normalise(text: str) -> str:
    """Return text in Unicode NFC, without control characters, white space folded.

    Newlines stay as paragraph marks, alone and without blanks around them.
    """
    text = _CONTROLS.sub(" ", text.replace("\r\n", "\n").replace("\r", "\n"))
    text = unicodedata.normalize("NFC", text)
    return _LINE_ENDS.sub("\n", _BLANKS.sub(" ", text)).strip()


def clean(documents: Iterable[Document], counts: Counter[str]) -> Iterator[CleanDocument]:
    """Yield normalised documents; drop empty ones and exact repeats.

    Args:
        documents: As read.
        counts: Receives `read`, `kept`, `empty` and `repeated`; read is the sum of the others.
    """
    seen: set[bytes] = set()
    for document in documents:
        counts["read"] += 1
        text = normalise(document.text)
        digest = hashlib.sha256(text.encode()).digest()
        if not text:
            counts["empty"] += 1
        elif digest in seen:
            counts["repeated"] += 1
        else:
            seen.add(digest)
            counts["kept"] += 1
            yield CleanDocument(document.id, text, document.source, digest)

"""Text of filings and newswire: in any of their encodings, and without declarations."""

from __future__ import annotations

import re

from domainbert import DataError

MAX_BYTES = 256 * 1024 * 1024
"""No more than this is held of one file or of one document in it."""

_MARKUP = re.compile(r"<(?:html|body|div|p|!doctype)\b", re.IGNORECASE)
_BEGINNING = 4096

# HTML has no other use for either: one declares entities, the other opens a place for it.
_DECLARATION = re.compile(r"<!ENTITY|<!DOCTYPE[^>\[]{0,500}\[", re.IGNORECASE)


def is_html(text: str) -> bool:
    """Return whether a text begins as HTML does."""
    return _MARKUP.search(text[:_BEGINNING]) is not None


def refuse_declarations(text: str, where: str) -> None:
    """Refuse a text that declares entities, which could grow without bound or name other files.

    Raises:
        DataError: It has an entity declaration, or a DOCTYPE with an internal subset.
    """
    if (found := _DECLARATION.search(text)) is not None:
        line = text.count("\n", 0, found.start()) + 1
        raise DataError(
            f"{where}: refused: line {line} of the text declares entities ({found[0][:40]!r}). "
            "Filings and newswire files as published have none: download the file again."
        )

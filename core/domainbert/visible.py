"""Text from outside on its way to people: nothing hidden, nothing secret."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import urlsplit, urlunsplit

# Control and format characters hide or reorder their neighbours, or give orders to a terminal.
_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn"}
_URL = re.compile(r"\b(https?|ftp)://[^\s'\"<>]+", re.IGNORECASE)


def visible(text: object) -> str:
    """Return text without secrets of URLs, invisible characters but newlines as `U+FFFD`."""
    shown = _URL.sub(lambda found: public_url(found[0]), str(text))
    return "".join(
        "\ufffd" if c != "\n" and unicodedata.category(c) in _UNSEEN else c
        for c in shown.replace("\t", " ")
    )


def public_url(url: str) -> str:
    """Return a URL without user name, password, query and fragment, which may be secrets."""
    try:
        parts = urlsplit(url)
    except ValueError:  # such as an open bracket
        return url.partition("://")[0] + "://…"
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))

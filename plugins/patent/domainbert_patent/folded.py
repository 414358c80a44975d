"""Texts with plain characters for fullwidth and unseen ones, to find numbers and notices in them.

Folding is for reading alone. A claim is its text as published, behind a number that was found so,
as the one of `１． A pump`.
"""

from __future__ import annotations

import re

_PLAIN: dict[int, int | str] = {
    **{0xFF01 + n: 0x21 + n for n in range(94)},
    **dict.fromkeys((0x3000, 0xA0), " "),
    # Dashes that no other pattern knows, a soft one between numbers among them; and waves.
    **dict.fromkeys((0xAD, 0x2043, 0xFE58, 0xFE63, 0x2212), "-"),
    **dict.fromkeys((0x301C, 0x223C, 0x2053), "~"),
    **dict.fromkeys((0x2025, 0x22EF), "\u2026"),
    **dict(zip(map(ord, "\u3010\u3011\u3014\u3015\uff61\u2024"), "[][]..", strict=True)),
}
# Invisible marks, and a soft hyphen within a word, behind which a line may have ended.
_UNSEEN = "\u200b-\u200f\u2060\ufeff"
_NOTHING = re.compile(rf"[{_UNSEEN}]+|(?<=[^\W\d_])\u00ad[\s\u00ad{_UNSEEN}]*+(?=[^\W\d_])")


def folded(text: str) -> str:
    """Return a text with plain characters, without those that nobody sees.

    Args:
        text: Any.
    """
    return text if text.isascii() else _NOTHING.sub("", text).translate(_PLAIN)


def end_of(text: str, length: int) -> str:
    """Return the end of a text whose length, when it is folded, is known.

    Args:
        text: As published.
        length: Of the folded end.
    """
    plain = folded(text)
    start = len(plain) - length
    if len(plain) < len(text):
        for found in _NOTHING.finditer(text):
            if found.start() >= start:
                break
            start += found.end() - found.start()
    return text[start:]

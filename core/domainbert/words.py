"""The words of a text, in any script: for masking, held-out text, terms and new entries alike.

A word is a run of letters and digits with their combining marks; one ideograph or kana; one cluster
of a script that is written without blanks; or one sign. These are the boundaries of Unicode (UAX
29, which needs a dictionary for Thai and its kin and without one takes clusters), but for two: a
word ends at an apostrophe and at a full stop, as in `don't` and `3.5`, since BERT's tokenizers cut
there too, and since the words of English texts stay those of earlier versions.
"""

from __future__ import annotations

import regex

_IDEOGRAPHS = r"\p{Han}\p{Hiragana}\p{Katakana}"
# Scripts whose words stand without blanks, with line-break class SA in Unicode.
_CLUSTERS = r"\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tai_Le}\p{New_Tai_Lue}\p{Tai_Tham}\p{Tai_Viet}"
_ALONE = rf"[[{_IDEOGRAPHS}{_CLUSTERS}]--\p{{M}}]"
# The joiners stand inside words of Persian and of Indian scripts.
_MARKS = r"[\p{M}\u200c\u200d]"
_LETTER = r"[\p{L}\p{N}_]"
WORD = regex.compile(
    rf"(?V1)(?={_ALONE})\X|(?:[{_LETTER}--{_ALONE}]{_MARKS}*)+|[^\s\x1c-\x1f\p{{M}}\u200c\u200d]{_MARKS}*"
)
"""Matches one word; the rest of a text is white space, and marks that follow no letter."""

_WITH_LETTER = regex.compile(
    rf"(?V1)(?:{_LETTER}{_MARKS}*)*\p{{L}}{_MARKS}*(?:{_LETTER}{_MARKS}*)*"
)


def word_spans(text: str) -> list[tuple[int, int]]:
    """Return the character ranges of the words of a text, in order."""
    return [match.span() for match in WORD.finditer(text)]


def words_of(text: str) -> list[str]:
    """Return the words of a text, in order."""
    return WORD.findall(text)


def is_letters(text: str) -> bool:
    """Return whether a text is letters and digits alone, with at least one letter."""
    return _WITH_LETTER.fullmatch(text) is not None

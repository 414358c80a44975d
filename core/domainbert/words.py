"""The words of a text, in any script: for masking, held-out text, terms and new entries alike.

A word is a run of letters and digits with their combining marks; a run of Katakana; one ideograph
or other kana; one cluster of a script that is written without blanks; or one sign, such as a comma
or an emoji. These are the boundaries of Unicode (UAX 29, which needs a dictionary for Thai and its
kin and without one takes clusters), but for two: a word ends at an apostrophe and at a full stop,
as in `don't` and `3.5`, since BERT's tokenizers cut there too, and since the words of English texts
stay those of earlier versions. Invisible characters, as a soft hyphen, are part of a word between
two of its letters and no word elsewhere.
"""

from __future__ import annotations

import unicodedata

import regex

_KATAKANA = r"[\p{Katakana}\u3031-\u3035\u309b\u309c\u30fc\uff70\uff9e\uff9f]"
_IDEOGRAPHS = r"\p{Han}\p{Hiragana}\p{Bopomofo}\p{Yi}\p{Tangut}\p{Nushu}"
# Scripts whose words stand without blanks, with line-break class SA or AK in Unicode.
_CLUSTERS = (
    r"\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tai_Le}\p{New_Tai_Lue}\p{Tai_Tham}\p{Tai_Viet}"
    r"\p{Javanese}\p{Balinese}\p{Cham}"
)
_ALONE = rf"[[{_IDEOGRAPHS}{_CLUSTERS}]--[\p{{M}}\p{{P}}]]"
# The joiners stand inside words of Persian and of Indian scripts.
_MARKS = r"[\p{M}\u200c\u200d]"
_LETTER = rf"[[\p{{L}}\p{{N}}_]--[{_IDEOGRAPHS}{_CLUSTERS}]--{_KATAKANA}]"
_FORMAT = r"[\p{Cf}--[\u200b-\u200d]]"


def _run(letter: str) -> str:
    return rf"{letter}{_MARKS}*(?:{_FORMAT}*{letter}{_MARKS}*)*"


WORD = regex.compile(
    rf"(?V1)(?:(?={_ALONE})\X{_MARKS}*|{_run(_LETTER)}|{_run(_KATAKANA)}"
    rf"|(?=[^\s\x1c-\x1f\p{{M}}\p{{Cf}}])\X{_MARKS}*)"
)
"""Matches one word; the rest is white space, formats, and marks that follow no letter."""

LONE_SURROGATE = regex.compile(r"[\ud800-\udfff]")
"""Half of a character, as JSON can hold and no tokenizer takes."""

_ALONE_WORD = regex.compile(rf"(?V1){_ALONE}")


def word_spans(text: str, start: int = 0, stop: int | None = None) -> list[tuple[int, int]]:
    """Return the character ranges of the words of a text, or of a part of it, in order."""
    return [match.span() for match in WORD.finditer(text, start, stop)]


def words_of(text: str) -> list[str]:
    """Return the words of a text, in order."""
    return WORD.findall(text)


def is_letters(text: str) -> bool:
    """Return whether a text is one word of letters and digits, with at least one letter."""
    return WORD.fullmatch(text) is not None and any(map(str.isalpha, text))


def content_words(text: str) -> list[str]:
    """Return the words of two letters or digits and more, and those of scripts without blanks."""
    return [
        word
        for word in words_of(text)
        if _ALONE_WORD.match(word) or sum(c.isalnum() or c == "_" for c in word) > 1
    ]


# A stop, what closes with it, and blanks, before a capital. Some texts write numbers as `12. 7` or
# `<. 05`, so a digit starts a sentence only where the stop follows a letter.
_BOUNDARY = regex.compile(r"""[.!?]["')\]]*\s+(?=["'(\[]*[A-Z])|(?<=[A-Za-z])[.!?]\s+(?=[0-9])""")
_ABBREVIATION = regex.compile(
    r"(?:\b(?:[A-Za-z]|al|approx|ca|cf|dr|eg|eq|et|etc|fig|figs|ie|inc|no|nos|ref|refs|resp|sp|spp"
    r"|st|subsp|var|viz|vol|vs))\.$",
    regex.IGNORECASE,
)


def sentence_ends(text: str) -> list[int]:
    """Return the offsets at which sentences of a text end, without the last one.

    A sentence ends at `.`, `!` or `?`, closing quotes and brackets included, before a blank and a
    capital, or between a letter and a digit, but not after a single letter or an abbreviation.
    """
    ends = []
    for match in _BOUNDARY.finditer(text):
        # The stop and what precedes it; an abbreviation is never longer than this.
        before = text[max(0, match.start() - 12) : match.start() + 1]
        if not _ABBREVIATION.search(before):
            ends.append(match.end())
    return ends


# What nobody sees: format characters but the joiners that scripts need, and fillers.
_UNSEEN = regex.compile(
    r"[\u00ad\u034f\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]"
)


def canonical_text(text: str) -> str:
    """Return text in Unicode NFC, without invisible characters, blanks as ASCII blanks."""
    return " ".join(unicodedata.normalize("NFC", _UNSEEN.sub("", text)).split())


def squeezed(text: str) -> str:
    """Return text as of `canonical_text` without white space, by which copies are recognised."""
    return canonical_text(text).replace(" ", "")

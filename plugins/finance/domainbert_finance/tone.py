"""Count words that carry tone, by class, with the short list in `tone.txt`."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

CLASSES = ("negative", "positive", "uncertain", "litigious", "constraining")

_LIST = Path(__file__).parent / "tone.txt"
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")


@dataclass(frozen=True)
class Tone:
    """How a text is worded.

    Args:
        words: All its words, numbers aside.
        counts: How many of them are of each class, in the order of `CLASSES`.
    """

    words: int
    counts: dict[str, int]


def read_tone_words() -> dict[str, str]:
    """Return the class of each tone word, in file order."""
    lines = _LIST.read_text(encoding="utf-8").splitlines()
    return {
        word: name
        for name, _, words in (line.partition(":") for line in lines if not line.startswith("#"))
        for word in words.split()
    }


def tone_counts(text: str) -> Tone:
    """Count the tone words of a text, without regard to case.

    A word is counted alone: `no loss` holds one negative word. The counts describe wording and are
    no classifier.
    """
    classes = read_tone_words()
    words = [word.casefold() for word in _WORD.findall(text)]
    found = Counter(classes[word] for word in words if word in classes)
    return Tone(len(words), {name: found[name] for name in CLASSES})

"""Small patent files of every format, with a passage changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from domainbert_patent.reading import read_patents
from domainbert_patent.record import Patent

Write = Callable[..., Path]
Made = dict[str, str]

# Per format: a passage of the description and one of a claim, as the fixtures have them.
# Per format: a passage of the description and one of a claim, as the fixtures have them.
PASSAGES = {
    "grant": ("BACKGROUND", "a valve; and"), "application": ("It clips.", "A clip.</claim-text>"),
    "pap": ("FIELD", "A lamp.</claim-text>"), "patdoc": ("It adds.", "of bits."),
    "sgml": ("It adds.", "of bits."), "marec": ("Reifen rollen.", "A tyre."),
    "ep": ("Il montre.", "Écran.</claim-text>"), "greenbook": ("After.", "b. a leaf."),
}  # fmt: skip


def read(made: Made, written: Write, form: str, *changes: tuple[str, str]) -> Patent:
    text = made[form]
    for old, new in changes:
        assert text.count(old) >= 1, old
        text = text.replace(old, new, 1)
    (patent,) = read_patents(written(text))
    return patent

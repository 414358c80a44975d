"""Step `note-placeholders`: each mark of a removed identifier becomes one plain word.

A tokenizer splits `[**Known lastname 1234**]` into a dozen pieces, and its numbers tell patients
apart. A word such as `name` is one entry of every BERT vocabulary, so that each placeholder is one
token with any base, with or without a `vocabulary:` section.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from domainbert import CorpusStep

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from domainbert import Document

WORDS: Mapping[str, str] = {
    "ages": "90",  # MIMIC marks only ages above 89, which form one category
    "phones": "phone",
    "emails": "email",
    "urls": "website",
    "hospitals": "hospital",
    "identifiers": "number",
    "names": "name",
    "places": "place",
    "dates": "date",
    "others": "blank",
}
"""Kind of placeholder → the word in its place."""

_INSIDE: Mapping[str, str] = {
    "ages": r"\bage",
    "phones": r"phone|\bfax|pager",
    "emails": r"e-?mail",
    "urls": r"\burl|web ?site",
    "hospitals": r"hospital|\bward|clinic\b|clinic \(",
    "identifiers": (
        r"medical record|numeric identifier|social security|\b(?:unit|md|dictator|job|serial|clip"
        r"|account|license|provider|room)\b.{0,20}\bnumber|\bnumber\b|\bid\b"
    ),
    "names": r"name|initial|\bdoctor|\battending",
    "places": r"address|street|location|country|\bstate\b|\bcity|zip|box|universit|college|company",
    "dates": r"date|month|year|\bday\b|holiday|\A[\d\s/.%,-]*\d[\d\s/.%,-]*\Z",
}
_PLACEHOLDER = re.compile(r"\[\*\*((?:(?!\*\*\]|\[\*\*).){0,200})\*\*\]", re.DOTALL)
_KINDS = {kind: re.compile(inside, re.IGNORECASE) for kind, inside in _INSIDE.items()}
# MIMIC-IV has exactly three; longer ones are lines to write on.
_BLANK = re.compile(r"(?<!_)___(?!_)")


def kind_of(inside: str) -> str:
    """Return the kind of a placeholder: a key of `WORDS`, from the text between its stars."""
    return next((kind for kind, found in _KINDS.items() if found.search(inside)), "others")


def with_words(text: str) -> str:
    """Return a text with a plain word for each placeholder of MIMIC-III or MIMIC-IV."""
    text = _PLACEHOLDER.sub(lambda match: WORDS[kind_of(match[1])], text)
    return _BLANK.sub(WORDS["others"], text)


def replace_placeholders(documents: Iterable[Document], drops: Any) -> Iterator[Document]:
    """Yield documents with a plain word for each placeholder; `drops` counts them by kind.

    A kind that is not known is counted as `others`, and an example is kept. A placeholder without
    an end stays and is counted as `unclosed`.
    """
    for document in documents:
        counts = Counter[str]()

        def word(match: re.Match[str], counts: Counter[str] = counts) -> str:
            kind = kind_of(match[1])
            counts[kind] += 1
            return WORDS[kind]

        text = _PLACEHOLDER.sub(word, document.text)
        if counts["others"]:
            drops.keep(document, "others")
        text, blanks = _BLANK.subn(WORDS["others"], text)
        counts["blanks"] += blanks
        counts["unclosed"] += text.count("[**")
        drops.update(counts)
        yield document if text == document.text else replace(document, text=text)


PLACEHOLDERS = CorpusStep("note-placeholders", replace_placeholders, apart=True)
"""Puts a plain word in the place of each de-identification placeholder."""

"""Steps `filter`, which drops what is no prose, and `scrub`, which hides personal data."""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from pydantic import Field, model_validator

from domainbert.plugin.components import Drops, StepContext
from domainbert.plugin.domain import Document
from domainbert.recipe.sections import Section

_Share = Field(default=None, gt=0, le=1)
_Size = Field(default=None, ge=1)


class Options(Section):
    """Options of `filter`; each that is given drops documents beyond it."""

    min_characters: int | None = _Size
    """Least number of characters."""
    max_characters: int | None = _Size
    """Largest number of characters."""
    max_digits: float | None = _Share
    """Largest share of digits among the characters that are no blanks."""
    max_symbols: float | None = _Share
    """Largest share of signs among them: neither letters nor digits."""
    max_repeated_lines: float | None = _Share
    """Largest share of lines that stand more than once in the document."""

    @model_validator(mode="after")
    def _does_something(self) -> Options:
        if not self.model_dump(exclude_none=True):
            raise ValueError(f"give one of {', '.join(type(self).model_fields)}")
        if (self.min_characters or 0) > (self.max_characters or math.inf):
            raise ValueError("min_characters is above max_characters: nothing would be kept")
        return self


def filter_documents(options: Options, _context: StepContext) -> Any:
    """Return the step with its options."""

    def apply(documents: Iterable[Document], drops: Drops) -> Iterator[Document]:
        for document in documents:
            if reason := reason_to_drop(document.text, options):
                drops.drop(document, reason)
            else:
                yield document

    return apply


def reason_to_drop(text: str, options: Options) -> str:
    """Return why a text is beyond the options, the first reason; empty if it is not."""
    if options.min_characters is not None and len(text) < options.min_characters:
        return "too_short"
    if options.max_characters is not None and len(text) > options.max_characters:
        return "too_long"
    signs = [sign for sign in text if not sign.isspace()]
    shares = {
        "digits": (options.max_digits, sum(map(str.isdigit, signs)), len(signs)),
        "symbols": (
            options.max_symbols,
            sum(unicodedata.category(s)[0] in "PS" for s in signs),
            len(signs),
        ),
    }
    if options.max_repeated_lines is not None:
        counts = Counter(filter(None, map(str.strip, text.split("\n"))))
        repeated = sum(n for n in counts.values() if n > 1)
        shares["repeated_lines"] = options.max_repeated_lines, repeated, counts.total()
    for name, (most, number, total) in shares.items():
        if most is not None and number > most * total:
            return f"many_{name}"
    return ""


_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}")
# A plus or a bracket, or groups as people write them; not the numbers of texts and tables.
_PHONE = re.compile(
    r"(?<![\w.])(?:\+\d{1,3}[ -]?(?:\(\d{1,4}\)[ -]?)?\d{2,8}(?:[ /-]\d{2,8}){1,4}"
    r"|\(\d{3}\) ?\d{3}-\d{4}|\d{3}-\d{3}-\d{4})(?![\w-])"
)
_NUMBER = re.compile(r"(?<![\w-])\d{3}-\d{2}-\d{4}(?![\w-])")


def scrub(documents: Iterable[Document], counts: Counter[str]) -> Iterator[Document]:
    """Yield documents with e-mail addresses, telephone and social security numbers hidden.

    Patterns find the usual ways of writing them and nothing else; names stay.
    """
    for document in documents:
        text = document.text
        for name, pattern in (("email", _EMAIL), ("number", _NUMBER), ("phone", _PHONE)):
            text, found = pattern.subn(f"[{name}]", text)
            counts[f"{name}s_hidden"] += found
        yield replace(document, text=text)

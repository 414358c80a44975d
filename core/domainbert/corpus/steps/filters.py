"""Steps `filter`, which drops what is no prose, and `scrub`, which hides personal data."""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from pydantic import Field, model_validator

from domainbert.plugin.domain import Document
from domainbert.plugin.replacing import replacing
from domainbert.plugin.steps import Drops, StepContext
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
    languages: tuple[str, ...] | None = Field(default=None, min_length=1)
    """Codes such as `en`; a document that is surely in another language is dropped. It needs
    `pip install 'domainbert[language]'`."""

    @model_validator(mode="after")
    def _does_something(self) -> Options:
        if not self.model_dump(exclude_none=True):
            raise ValueError(f"give one of {', '.join(type(self).model_fields)}")
        if (self.min_characters or 0) > (self.max_characters or math.inf):
            raise ValueError("min_characters is above max_characters: nothing would be kept")
        return self


def filter_documents(options: Options, _context: StepContext) -> Any:
    """Return the step with its options.

    Raises:
        ValueError: `py3langid` is not installed, or one of the languages is unknown.
    """
    is_other = other_language(options.languages) if options.languages else lambda _text: False

    def apply(documents: Iterable[Document], drops: Drops) -> Iterator[Document]:
        for document in documents:
            if reason := reason_to_drop(document.text, options):
                drops.drop(document, reason)
            elif is_other(document.text):
                drops.drop(document, "other_language")
            else:
                yield document

    return apply


# The beginning of a text tells its language; what is less sure than this stays.
_BEGINNING = 2000
_SURE = 0.8


def other_language(languages: Iterable[str]) -> Callable[[str], bool]:
    """Return what tells whether a text is surely in none of some languages.

    Args:
        languages: Codes such as `en`.

    Raises:
        ValueError: `py3langid` is not installed, or it does not know one of the languages.
    """
    try:
        from py3langid.langid import MODEL_FILE, LanguageIdentifier
    except ImportError:
        what = "languages: py3langid is not installed"
        raise ValueError(f"{what}. Install it: pip install 'domainbert[language]'") from None
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    expected = frozenset(languages)
    if unknown := sorted(expected - set(identifier.labels)):
        known = ", ".join(sorted(identifier.labels))
        raise ValueError(f"languages: {', '.join(unknown)}: unknown. Known are {known}")

    def is_other(text: str) -> bool:
        found, share = identifier.classify(text[:_BEGINNING])
        return found not in expected and share >= _SURE

    return is_other


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


scrub = replacing(
    {
        f"{name}s_hidden": (pattern, f"[{name}]")
        for name, pattern in (("email", _EMAIL), ("number", _NUMBER), ("phone", _PHONE))
    }
)
"""Hides e-mail addresses, telephone and social security numbers. The patterns find the usual ways
of writing them and nothing else; names stay."""

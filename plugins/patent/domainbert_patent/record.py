"""One patent as the readers give it, and the documents made from it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from domainbert import Document

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domainbert_patent.symbols import Code

_NUMBER = re.compile(r"([A-Z]*)0*([0-9A-Z]+)")
_LONGEST_NUMBER = 64


@dataclass(frozen=True)
class Patent:
    """A patent or a published application.

    Args:
        id: Country, number and kind, such as `US-6859910-B2`.
        date: Date of publication or grant as `2005-01-04`, empty if unknown.
        title: The title; a line, like all of the texts below.
        abstract: Paragraphs, a line each; empty for design patents.
        description: Headings and paragraphs, a line each, tables and formulas left out.
        claims: One text per claim in force, without its number.
        codes: Symbols of CPC and IPC, the main one of each scheme first.
        language: Of the texts: `en`, or what the file says if it has no English ones.
        source: File name, and number of the record in it.
        cancelled_claims: How many claims are left out as cancelled, deleted or withdrawn.
        empty_claims: How many claims are left out as they have a number and no text.
        other_symbols: Texts in the fields for symbols that are none of the scheme, such as
            malformed ones and Locarno classes of designs.
        other_date: Text in the field for the date that is no day, such as `20151399`.
    """

    id: str
    date: str
    title: str
    abstract: str
    description: str
    claims: tuple[str, ...]
    codes: tuple[Code, ...]
    language: str
    source: str
    cancelled_claims: int = 0
    empty_claims: int = 0
    other_symbols: tuple[str, ...] = ()
    other_date: str = ""

    @property
    def country(self) -> str:
        """The office that published it, such as `US`."""
        return self.id.split("-")[0]

    @property
    def number(self) -> str:
        """Its number without leading zeros, such as `6859910` or `D435854`."""
        return self.id.split("-")[1]

    @property
    def kind(self) -> str:
        """Its kind code, such as `B2`."""
        return self.id.split("-")[2]

    def labels(self, level: str, scheme: str = "CPC", version: str = "") -> tuple[str, ...]:
        """Return the sections, classes or subclasses of its codes, each once, main one first.

        Args:
            level: `section`, `class` or `subclass`.
            scheme: `CPC` or `IPC`.
            version: Only codes of this version, such as `2013.01` or `7`; empty for all.
        """
        wanted = (code for code in self.codes if code.scheme == scheme)
        names = [c.symbol.at(level) for c in wanted if version in {"", c.version}]
        return tuple(dict.fromkeys(name for name in names if name))


def patent_id(country: str, number: str, kind: str) -> str:
    """Return the id of a publication; leading zeros go, so that all formats name it alike.

    Args:
        country: Two letters.
        number: As published: `06859910`, `D0435854`, `20050004437`.
        kind: Kind code.
    """
    # No office has longer numbers, and longer text takes the square of its length.
    match = _NUMBER.fullmatch(number) if len(number) <= _LONGEST_NUMBER else None
    plain = f"{match[1]}{match[2]}" if match else number
    return f"{country}-{plain}-{kind}"


def iso_date(text: str) -> tuple[str, str]:
    """Return `20050104` as `2005-01-04` and nothing; nothing and the text, if it is no such day.

    Args:
        text: As in the file; empty for none.
    """
    text = " ".join(text.split())
    day = f"{text[:4]}-{text[4:6]}-{text[6:]}" if re.fullmatch(r"[0-9]{8}", text) else ""
    return (day, "") if is_day(day) else ("", text)


def is_day(text: str) -> bool:
    """Tell whether a text is a day of the calendar.

    Args:
        text: Such as `2015-02-28`.
    """
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def whole_document(patent: Patent) -> Document:
    """Return title, abstract, description and claims.

    Args:
        patent: Any.
    """
    parts = (patent.title, patent.abstract, patent.description, *patent.claims)
    return _document(patent, parts)


def abstract_document(patent: Patent) -> Document:
    """Return title and abstract; without an abstract nothing, since a title alone is no text.

    Args:
        patent: Any.
    """
    return _document(patent, (patent.title, patent.abstract) if patent.abstract else ())


def claims_document(patent: Patent) -> Document:
    """Return the claims, a line each.

    Args:
        patent: Any.
    """
    return _document(patent, patent.claims)


def _document(patent: Patent, parts: Sequence[str]) -> Document:
    return Document(patent.id, "\n".join(part for part in parts if part), patent.source)

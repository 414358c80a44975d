"""Symbols of the patent classifications IPC and CPC: `H04L 9/32` and its other spellings.

A symbol names a section (`H`), a class (`H04`), a subclass (`H04L`) and a group (`H04L 9/32`). The
Cooperative Patent Classification has the sections A to H of the IPC, and Y. The files of
fifty years spell one symbol in many ways; all of these are `H04L9/32`:

| spelling | where |
| --- | --- |
| `H04L 9/32`, `H04L9/32`, `H04L   9/32` | since 2006, EPO, CPC |
| `H04L009/32` | US applications 2001 to 2005 |
| `H04L  932` | Green Book and SGML: three columns for the group, the rest is the subgroup |
| `H04L0009320000` | data bases: four columns for the group, six for the subgroup |

Editions 1 to 7 of the IPC are named by their number, later ones and the CPC by year and month
(`2013.01`). A symbol may mean something else in another version, so `Code` keeps it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from domainbert import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable

SECTIONS = ("A", "B", "C", "D", "E", "F", "G", "H")
"""The sections that IPC and CPC share, in order."""

SECTION_TITLES = {
    "A": "Human necessities",
    "B": "Performing operations; transporting",
    "C": "Chemistry; metallurgy",
    "D": "Textiles; paper",
    "E": "Fixed constructions",
    "F": "Mechanical engineering; lighting; heating; weapons; blasting",
    "G": "Physics",
    "H": "Electricity",
    "Y": "New technological developments; cross-sectional technologies (CPC only)",
}

_SUBCLASS = r"\s*(?P<section>[A-HY])(?:(?P<klass>[0-9]{2})(?P<subclass>[A-Z])?)?"
_SLASHED = re.compile(_SUBCLASS + r"\s*(?P<group>[0-9]{1,4})\s*/\s*(?P<subgroup>[0-9]{2,6})\s*")
_WIDE = re.compile(_SUBCLASS + r"(?P<group>[0-9]{4})(?P<subgroup>[0-9]{6})\s*")
_COLUMNS = re.compile(_SUBCLASS + r"(?P<group>[ 0-9]{2}[0-9])(?P<subgroup>[0-9]{2,6})\s*")
_ABOVE = re.compile(_SUBCLASS + r"\s*")
_DATE = re.compile(r"([0-9]{4})-?([0-9]{2})-?([0-9]{2})")


@dataclass(frozen=True)
class Symbol:
    """A place in the classification.

    Args:
        section: One letter, such as `H`.
        klass: Section and two digits, `H04`; empty if the symbol names a section only.
        subclass: Class and a letter, `H04L`; empty if the symbol ends above it.
        group: Main group, `9`; empty if the symbol ends above it.
        subgroup: `32`; `00` is the main group itself.
    """

    section: str
    klass: str = ""
    subclass: str = ""
    group: str = ""
    subgroup: str = ""

    def __str__(self) -> str:
        if self.group:
            return f"{self.subclass}{self.group}/{self.subgroup}"
        return self.subclass or self.klass or self.section

    def at(self, level: str) -> str:
        """Return the name of the section, class or subclass, empty if the symbol ends above it.

        Args:
            level: `section`, `class` or `subclass`.
        """
        names = {"section": self.section, "class": self.klass, "subclass": self.subclass}
        if level not in names:
            raise DataError(f"level {level!r}: expected one of {', '.join(names)}.")
        return names[level]


@dataclass(frozen=True)
class Code:
    """A symbol that an office gave to a patent.

    Args:
        scheme: `CPC` or `IPC`.
        symbol: What was given.
        version: Edition of the IPC (`7`), or year and month (`2013.01`); empty if unknown.
    """

    scheme: str
    symbol: Symbol
    version: str = ""


def parse_symbol(text: str) -> Symbol:
    """Return the symbol that a text spells.

    Args:
        text: In any spelling of the table above; blanks before the subclass and after the symbol
            do not matter, those between subclass and group do in the spelling by columns.

    Raises:
        DataError: It is no symbol of IPC or CPC. Locarno classes of designs are none, nor are
            ECLA codes, which go on with letters.
    """
    for pattern in (_SLASHED, _WIDE, _COLUMNS, _ABOVE):
        if (match := pattern.fullmatch(text)) is not None:
            return _symbol(**match.groupdict(default=""), fixed=pattern is _WIDE)
    raise DataError(f"{text[:40]!r} is no IPC or CPC symbol. Expected one such as 'H04L 9/32'.")


def _symbol(
    section: str, klass: str, subclass: str, group: str = "", subgroup: str = "", *, fixed: bool
) -> Symbol:
    if fixed:
        subgroup = subgroup[:2] + subgroup[2:].rstrip("0")
    if group and not subclass:
        raise DataError(f"{section}{klass} {group}/{subgroup}: a group without a subclass.")
    full = section + klass
    return Symbol(
        section, full if klass else "", full + subclass if subclass else "",
        str(int(group)) if group else "", subgroup,
    )  # fmt: skip


def parse_version(text: str) -> str:
    """Return the name of an edition or version: `7` for `07`, `2013.01` for `20130101`.

    Args:
        text: An edition number or a date, as files give them; empty gives empty.
    """
    text = text.strip()
    if (match := _DATE.fullmatch(text)) is not None:
        return f"{match[1]}.{match[2]}"
    return text.lstrip("0")


def code(scheme: str, symbol: str, version: str = "") -> Code | str:
    """Return the code of a field, or the text of a field that holds no symbol of the scheme.

    Fields for IPC symbols hold Locarno classes in design patents, and blanks in some others.

    Args:
        scheme: `CPC` or `IPC`; section Y is of the CPC alone.
        symbol: In any spelling.
        version: As in the file.
    """
    try:
        parsed = parse_symbol(symbol)
    except DataError:
        return " ".join(symbol.split())
    if scheme == "IPC" and parsed.section == "Y":
        return " ".join(symbol.split())
    return Code(scheme, parsed, parse_version(version))


def sorted_out(fields: Iterable[Code | str]) -> tuple[tuple[Code, ...], tuple[str, ...]]:
    """Return codes in their order, each once, and the texts of fields that hold none.

    The IPC of 2006 lists a symbol at two levels. Fields of blanks are left out.

    Args:
        fields: As a file gives them.
    """
    found = tuple(dict.fromkeys(fields))
    others = (item for item in found if isinstance(item, str))
    return (
        tuple(item for item in found if isinstance(item, Code)),
        tuple(text for text in others if text.strip("/ ")),
    )

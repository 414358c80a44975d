"""USPTO grants of 1976 to 2001, the "Green Book": text in lines of 80 columns with fixed tags.

A record begins with the line `PATN`. A line has a tag of three or four characters in the first
columns, or continues the one before. Four-letter tags such as `ABST` or `CLMS` begin a section.

Characters that the code of the time lacked are written between stops: `.alpha.`, `.degree.`,
`CO.sub.2`. Those of `_CHARACTERS` are replaced, marks of sub- and superscripts go, anything else
stays as it is. Tables (`TBL`) and marks of formulas and drawings (`##EQU1##`) are left out.

Nothing marks the end of a record, so a truncated file shows by its last one only: there the
number of claims in the head (`NCL`) is compared with the number read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING

from domainbert_patent.claims import clean_claims
from domainbert_patent.record import Patent, iso_date, patent_id
from domainbert_patent.reissue import in_force
from domainbert_patent.stream import lines_of
from domainbert_patent.symbols import code, sorted_out

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domainbert_patent.stream import Position
    from domainbert_patent.symbols import Code

_LINE = re.compile(r"(?P<tag>[A-Z][A-Z0-9]{2,3})(?: +(?P<text>.*))?")
_SECTION = re.compile(r"[A-Z]{4}")
_DESCRIPTION = ("GOVT", "PARN", "BSUM", "DRWD", "DETD")
_CLAIMS = ("CLMS", "DCLM")
# Headings and paragraphs; PA1 to PA9 and PAL are paragraphs with an indent.
_PROSE = re.compile(r"PAC|PAR|PAL|PA[0-9]|FNT")
_OUTER = ("PAR", "PAL")
_CLAIM_START = re.compile(r"[0-9]{1,4}\s*\.\s")
_PLACEHOLDER = re.compile(r"##[A-Z]{3}[0-9]+##")
_DOT_CODE = re.compile(r"\.([A-Za-z+-]{2,12})\.")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x19\x1b-\x1f]")
# What the first letters of a number say about the kind of patent; see `_number`.
_KINDS = {"": "A", "D": "S", "PP": "P", "RE": "E", "H": "H", "T": "I"}

_GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "zeta": "ζ", "eta": "η",
    "theta": "θ", "iota": "ι", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν", "xi": "ξ",
    "omicron": "ο", "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ", "upsilon": "υ", "phi": "φ",
    "chi": "χ", "psi": "ψ", "omega": "ω",
}  # fmt: skip
_CHARACTERS = {
    **_GREEK,
    **{name.upper(): letter.upper() for name, letter in _GREEK.items()},
    "about": "~", "ANG": "Å", "ang": "å", "apprxeq": "≈", "approxeq": "≈", "cent": "¢",
    "congruent": "≅", "COPYRG": "©", "dblquote": '"', "degree": "°", "differential": "∂",
    "div": "÷", "dwnarw": "↓", "fwdarw": "→", "gradient": "∇", "gtoreq": "≥", "gtorsim": "≳",
    "infin": "∞", "intg": "∫", "ltoreq": "≤", "ltorsim": "≲", "multidot": "·", "noteq": "≠",
    "parallel": "∥", "perp": "⊥", "permill": "‰", "prime": "′", "quadrature": "□", "rarw": "←",
    "RTM": "®", "sctn": "§", "SM": "℠", "sqroot": "√", "times": "×", "TM": "™", "uparw": "↑",
    "varies": "∝", "+-": "±", "-+": "∓",
    "sub": "", "sup": "", "sbsb": "", "sbsp": "", "spsb": "", "spsp": "",
}  # fmt: skip


@dataclass
class _Record:
    """One record as it is being read: (section, tag, text) of its tagged lines."""

    lines: list[list[str]] = field(default_factory=list)

    def first(self, section: str, tag: str) -> str:
        return next(iter(self.all(section, tag)), "")

    def all(self, section: str, tag: str) -> list[str]:
        return [text for s, t, text in self.lines if (s, t) == (section, tag)]

    def in_force(self, *sections: str) -> Iterator[tuple[str, str, str]]:
        """Yield the lines of sections as text in force; a deletion may cross lines of a section."""
        for section, lines in groupby(self.lines, lambda line: line[0]):
            if section in sections:
                tags, texts = zip(*((tag, plain(text)) for _, tag, text in lines), strict=True)
                for tag, text in zip(tags, in_force("\n".join(texts)).split("\n"), strict=True):
                    yield section, tag, text

    def prose(self, *sections: str) -> str:
        """Return headings and paragraphs, a line each."""
        texts = (t for _, tag, t in self.in_force(*sections) if _PROSE.fullmatch(tag))
        return "\n".join(text for text in texts if text)

    def claims(self) -> list[tuple[str, str]]:
        """Return number and text of the claims: each has a line `NUM`, save in designs.

        Where no line has it, paragraphs that begin with a number and a stop begin a claim.
        """
        found: list[tuple[str, list[str]]] = []
        numbered, fresh = bool(self.all("CLMS", "NUM")), True
        for section, tag, text in self.in_force(*_CLAIMS):
            if tag in {"NUM", section}:
                fresh = tag == section
                found += [] if fresh else [(text, [])]
            elif _PROSE.fullmatch(tag) and text:
                if fresh or (not numbered and tag in _OUTER and _CLAIM_START.match(text)):
                    found.append(("", []))
                    fresh = False
                found[-1][1].append(text)
        return [(number, " ".join(parts)) for number, parts in found]


def read_greenbook(at: Position) -> Iterator[Patent]:
    """Yield the patents of a Green Book file, one record in memory at a time.

    Args:
        at: The file; its number and offset are kept up to date.

    Raises:
        DataError: The file cannot be read, holds control characters, has no record, or is cut
            short; or a record has no number.
    """
    record: _Record | None = None
    offset, section = 0, ""
    for raw in lines_of(at):
        line = raw.decode("latin-1").rstrip("\r\n\x1a ")
        if record is None or line == "PATN":
            if line != "PATN":
                offset += len(raw)
                continue
            if record is not None:
                yield _patent(record, at)
            record, section = _Record(), "PATN"
            at.number, at.offset = at.number + 1, offset
        offset += len(raw)
        if _CONTROL.search(line):
            raise at.error("control characters in its text: the file is damaged")
        section = _add(record, section, line)
    if record is None:
        raise at.error("no line `PATN`, with which a record begins", "Is this a Green Book file?")
    _check_complete(record, at)
    yield _patent(record, at)


def _add(record: _Record, section: str, line: str) -> str:
    """Take in one line; return the section of the next one."""
    match = _LINE.fullmatch(line)
    if match is not None:
        tag = match["tag"]
        section = tag if _SECTION.fullmatch(tag) else section
        record.lines.append([section, tag, match["text"] or ""])
    elif line.strip() and record.lines:
        record.lines[-1][2] += " " + line.strip()
    return section


def _check_complete(record: _Record, at: Position) -> None:
    announced, found = record.first("PATN", "NCL").strip(), len(record.claims())
    if announced.isdecimal() and int(announced) > found:
        raise at.error(f"cut short: {found} of {int(announced)} claims, and the file ends")


def _patent(record: _Record, at: Position) -> Patent:
    number, kind = _number(record.first("PATN", "WKU"))
    if not number:
        raise at.error("no patent number (WKU)")
    marked = any(".[." in text for section, _, text in record.lines if section in _CLAIMS)
    claims = clean_claims(record.claims(), deletes=marked)
    codes, others = sorted_out(_codes(record))
    date, other_date = iso_date(record.first("PATN", "ISD"))
    return Patent(
        id=patent_id("US", number, kind),
        date=date,
        title=in_force(plain(record.first("PATN", "TTL"))),
        abstract=record.prose("ABST"),
        description=record.prose(*_DESCRIPTION),
        claims=claims.texts,
        codes=codes,
        language="en",
        source=at.source,
        cancelled_claims=claims.cancelled,
        empty_claims=claims.empty,
        other_symbols=others,
        other_date=other_date,
    )


def _number(field: str) -> tuple[str, str]:
    """Return number and kind code of `WKU`, whose ninth character is a check digit.

    Kind codes are those that offices give to US patents before 2001, when there were none.
    """
    match = re.fullmatch(r"([A-Z]{0,2})([0-9]+)", field.strip()[:8])
    if match is None:
        return "", ""
    return match[0], _KINDS.get(match[1], "A")


def _codes(record: _Record) -> Iterator[Code | str]:
    edition = record.first("CLAS", "EDF")
    for text in record.all("CLAS", "ICL"):
        yield code("IPC", text, edition)


def plain(text: str) -> str:
    """Return text in which characters are written as such.

    Args:
        text: As `CO.sub.2 at 20.degree. C. ##EQU1##`, which becomes `CO2 at 20° C.`.
    """
    text = _PLACEHOLDER.sub(" ", text)
    return " ".join(_DOT_CODE.sub(lambda m: _CHARACTERS.get(m[1], m[0]), text).split())

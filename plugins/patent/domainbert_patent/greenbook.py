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
from typing import TYPE_CHECKING

from domainbert_patent.record import Patent, clean_claims, iso_date, patent_id
from domainbert_patent.stream import lines_of
from domainbert_patent.symbols import code, unique

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


def in_force(text: str) -> str:
    """Return the text of a reissue with deletions gone and insertions in place.

    `.[.` and `.].` enclose what was taken out, `.Iadd.` and `.Iaddend.` what was put in.
    """
    kept, start = [], 0
    while (begin := text.find(".[.", start)) >= 0 and (end := text.find(".].", begin + 3)) >= 0:
        kept.append(text[start:begin])
        start = end + 3
    whole = "".join([*kept, text[start:]]).replace(".Iadd.", "").replace(".Iaddend.", "")
    return " ".join(whole.split()) if len(whole) < len(text) else text


@dataclass
class _Record:
    """One record as it is being read: (section, tag, text) of its tagged lines."""

    lines: list[list[str]] = field(default_factory=list)

    def first(self, section: str, tag: str) -> str:
        return next(iter(self.all(section, tag)), "")

    def all(self, section: str, tag: str) -> list[str]:
        return [text for s, t, text in self.lines if (s, t) == (section, tag)]

    def prose(self, *sections: str) -> str:
        """Return headings and paragraphs, a line each."""
        tagged = (t for s, tag, t in self.lines if s in sections and _PROSE.fullmatch(tag))
        texts = (in_force(plain(text)) for text in tagged)
        return "\n".join(text for text in texts if text)

    def claims(self) -> list[str]:
        """Return the claims: in `CLMS` each has a line `NUM`, in `DCLM` there is one."""
        found: list[list[str]] = []
        for section, tag, text in self.lines:
            if section not in _CLAIMS:
                continue
            if tag == "NUM" or (tag == "DCLM" and section == "DCLM"):
                found.append([])
            elif _PROSE.fullmatch(tag) and found:
                found[-1].append(plain(text))
        return [in_force(" ".join(parts)) for parts in found]


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
    return Patent(
        id=patent_id("US", number, kind),
        date=iso_date(record.first("PATN", "ISD")),
        title=plain(record.first("PATN", "TTL")),
        abstract=record.prose("ABST"),
        description=record.prose(*_DESCRIPTION),
        claims=clean_claims(record.claims()),
        codes=unique(_codes(record)),
        language="en",
        source=at.source,
    )


def _number(field: str) -> tuple[str, str]:
    """Return number and kind code of `WKU`, whose ninth character is a check digit.

    Kind codes are those that offices give to US patents before 2001, when there were none.
    """
    match = re.fullmatch(r"([A-Z]{0,2})([0-9]+)", field.strip()[:8])
    if match is None:
        return "", ""
    return match[0], _KINDS.get(match[1], "A")


def _codes(record: _Record) -> Iterator[Code]:
    edition = record.first("CLAS", "EDF")
    for text in record.all("CLAS", "ICL"):
        found = code("IPC", text, edition)
        if found is not None:
            yield found


def plain(text: str) -> str:
    """Return text in which characters are written as such.

    Args:
        text: As `CO.sub.2 at 20.degree. C. ##EQU1##`, which becomes `CO2 at 20° C.`.
    """
    text = _PLACEHOLDER.sub(" ", text)
    return " ".join(_DOT_CODE.sub(lambda m: _CHARACTERS.get(m[1], m[0]), text).split())

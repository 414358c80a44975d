"""Step `note-sections`: headers of sections become paragraphs, and wrapped lines are joined."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from domainbert import CorpusStep

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from domainbert import Document

ERROR_MARK = " ISERROR"
"""End of `Document.source` of a note that the hospital marked as an error."""

HEADERS = frozenset(
    line.strip()
    for line in """
    admission date; discharge date; date of birth; sex; service; attending; allergies; allergy
    cc; fh; sh; pe; meds; mse; chief complaint; major surgical or invasive procedure
    history of present illness; hpi
    present illness; history; interval history; past medical history; pmh; past surgical history
    past history; medical history; surgical history; family history; social history
    family and social history; past medical and surgical history; obstetric history; birth history
    gynecologic history; developmental history; psychiatric history; oncologic history
    immunizations; medications; current medications; home medications; admission medications
    medications on admission; discharge medications; medications prior to admission
    medications on transfer; review of systems; ros; physical exam; physical examination; exam
    physical exam on admission; admission physical exam; discharge exam; discharge physical exam
    physical exam on discharge; vital signs; vitals; general; mental status; mental status exam
    neurologic exam; pertinent results; labs; laboratory data; laboratory; laboratory results
    laboratory studies; admission labs; discharge labs; results; studies; data; microbiology
    imaging; radiology; ekg; ecg; echo; pathology; brief hospital course; hospital course
    emergency department course; ed course; course; summary of hospital course; active issues
    chronic issues; transitional issues; issues; hospital course by system; assessment
    assessment and plan; a/p; impression; impression and plan; plan; recommendations; diagnosis
    diagnoses; admission diagnosis; discharge diagnosis; discharge diagnoses; primary diagnosis
    secondary diagnosis; secondary diagnoses; final diagnosis; preoperative diagnosis
    postoperative diagnosis; differential diagnosis; disposition; discharge disposition; facility
    discharge condition; condition on discharge; condition; discharge instructions
    followup instructions; follow-up instructions; follow up; follow-up; followup; instructions
    code status; procedure; procedures; operation; anesthesia; complications; indication
    indications; findings; technique; comparison; description of procedure; estimated blood loss
    specimens; drains; consults; consultations; subjective; objective; problem list
    reason for visit; reason for consultation; reason for admission; medical condition
    reason for this examination
    final report; conclusion; conclusions; addendum; functional status; diet; activity; prognosis
    nutrition; wound care; risk factors; system review; nursing note; education; discharge plan
    pmhx; psh; pshx; famhx; fhx; sochx; shx; past medical hx; past surgical hx; medical hx
    surgical hx; family hx; social hx; psych hx; ddx; dx
    """.replace(";", "\n").split("\n")
    if line.strip()
)
"""Headers that are known, in small letters."""


def _folded(name: str) -> str:
    """Return a header in small letters, with `and` for signs, without dots and a remark behind."""
    name = _REMARK.sub("", name.lower().replace(".", ""))
    return " ".join(_AND.sub(" and ", name).split())


_REMARK = re.compile(r"\s?\([^()]*\)$")
_AND = re.compile(r"[&/+]")
_KNOWN = frozenset(map(_folded, HEADERS))
# Also a problem of its own, pulmonary embolism: with a number or a dash it is none of these.
_AMBIGUOUS = frozenset({"pe"})

# A number or a mark of a list, which may be a letter or a Roman number before a known header.
_BEFORE = (
    r"(?P<before>(?:(?P<letter>[A-Z][.)]|[IVX]{2,4}[.)]) "
    r"|(?:\(?\d{1,2}[.)]|#{1,6}|[-\u2022]) ?|\* )?)"
)
_NAME = r"(?P<name>(?:[A-Za-z]\.){2,5}|[A-Za-z][A-Za-z/&+,()' -]{1,60}?)"
_COLON = "[:\uff1a\ufe55\u2236]"
_HEADER = re.compile(
    rf"{_BEFORE}(?P<bold>[*_]{{1,3}}(?=[A-Za-z]))?{_NAME}"
    rf"(?(bold)(?: ?{_COLON}(?P=bold)|(?P=bold)(?: ?{_COLON}|(?P<dash> [-\u2013\u2014]{{1,2}} )|$))"
    rf"|(?: ?{_COLON}|(?P<bare> (?:--|[-\u2013\u2014])(?: |$)|\u2014)))(?!//)(?P<rest>.*)",
    re.DOTALL,
)
_ALONE = re.compile(r"#{1,6} ?")
# What ends the name of a section, though not a name in capitals.
_ENDS = re.compile(
    r".* (?:history|exam|examination|plan|assessment|impression|diagnos[ie]s|medications|meds"
    r"|course|instructions|findings|results|labs|studies|complaint|allergies|procedures?)|[A-Z]\w*hx",
    re.IGNORECASE,
)
_ITEM = re.compile(r"(?:[-*\u2022#]|\d{1,2}[.)]) ?\S")
# Notes wrap lines at 70 to 80 characters; a shorter line ends where its writer ended it.
_WRAPPED = 55
_MAX_WORDS = 6
_MAX_HEADER = 200
# A placeholder of MIMIC can go over the end of a line.
_PLACEHOLDER = re.compile(r"\[\*\*[^\[\]]{0,200}\*\*\]")


def _is_known(name: str) -> bool:
    """Return whether a header is known, or joins headers each of which is."""
    name = _folded(name)
    parts = re.split(r"(?: and |,)+ ?", name)
    return name in _KNOWN or (len(parts) > 1 and all(part in _KNOWN for part in parts))


def header_of(line: str) -> tuple[str, str, bool] | None:
    """Return header, rest and whether the header is known; None for a line without a header.

    A header can be numbered, in bold, and have a dash or a wide colon. It is returned with its
    number and a plain colon. An unknown one is in capitals, alone on its line, or ends in a word
    such as `history`: `Temp: 98.6` is none.
    """
    match = _HEADER.fullmatch(line[:_MAX_HEADER])
    if match is None:
        name = _ALONE.sub("", line, count=1)
        known = (line.isupper() or name != line) and _is_known(name)
        return (line, "", True) if known else None
    name, rest = match["name"], (match["rest"] + line[_MAX_HEADER:]).strip()
    header, plain = f"{match['before']}{name}:", not (match["before"] or match["bare"])
    dashed = match["bare"] or match["dash"]
    if _is_known(name) and (plain or _folded(name) not in _AMBIGUOUS):
        return (header, rest, True) if name[0].isupper() or not dashed else None
    return (header, rest, False) if _is_unknown(match, name, rest) else None


def _is_unknown(match: re.Match[str], name: str, rest: str) -> bool:
    """Return whether a name that is not known is that of a section."""
    if match["letter"] or len(name.split()) > _MAX_WORDS:
        return False
    if match["bare"] or match["dash"]:
        return name.isupper() and len(name) > 3 and not rest.isupper()
    capital = name[0].isupper() and _ENDS.fullmatch(name)
    return bool((name.isupper() and len(name) > 3) or not rest or match["bold"] or capital)


def paragraphs(text: str) -> tuple[list[str], int, list[str]]:
    """Return the paragraphs of a note, the number of known headers, and the unknown ones.

    A known header is a paragraph. A line with an unknown one stays whole.
    """
    done, pieces, unknown, n_known = list[str](), list[str](), list[str](), 0
    last, starts = "", True
    text = _PLACEHOLDER.sub(lambda match: " ".join(match[0].split()), text)
    for raw in [*text.split("\n"), ""]:
        line = " ".join(raw.split())
        header = header_of(line) if line else None
        if not line or header or not _continues(last, line, starts):
            if pieces:
                done.append(" ".join(pieces))
            pieces = []
        if header is not None and header[2]:
            n_known += 1
            done.append(header[0])
            line = header[1]
        elif header is not None:
            unknown.append(header[0])
        if line:
            pieces.append(line)
        last, starts = raw.rstrip(), not pieces
    return done, n_known, unknown


def _continues(last: str, line: str, starts: bool) -> bool:
    """Return whether a line goes on where the last one was wrapped."""
    if starts:
        return True
    wrapped = len(last) >= _WRAPPED and not _ITEM.match(line)
    return wrapped and (line[0].islower() or last[-1] not in ".:;?!")


def split_sections(documents: Iterable[Document], drops: Any) -> Iterator[Document]:
    """Yield notes with headers of sections as paragraphs; notes marked as errors are dropped.

    `drops` counts `sections`, `unknown_headers` with examples, and `error_notes`.
    """
    for document in documents:
        if document.source.endswith(ERROR_MARK):
            drops.drop(document, "error_notes")
            continue
        lines, n_known, unknown = paragraphs(document.text)
        drops["sections"] += n_known
        drops["unknown_headers"] += len(unknown)
        for name in unknown:
            drops.keep(document, "unknown_headers", name)
        yield replace(document, text="\n".join(lines))


SECTIONS = CorpusStep("note-sections", split_sections, apart=True)
"""Puts each header on its own line, joins wrapped lines, drops notes marked as errors."""

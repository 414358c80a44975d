"""Step `note-personal-data`: hides what identifies people in the usual ways of writing it.

It does not replace de-identification: names without a title, addresses, places, employers and most
dates stay.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from domainbert import CorpusStep
from domainbert.readers import replacing

if TYPE_CHECKING:
    from collections.abc import Mapping

_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?"
_NTH = r"\d{1,2}(?:st|nd|rd|th)?"
_YEAR = r"(?:\d{4}|['\u2019]\d\d)"
_DATE = (
    rf"(?:\d{{1,2}}[/.-]\d{{1,2}}[/.-]\d{{2,4}}|\d{{4}}(?P<of_year>[/.-])\d{{1,2}}(?P=of_year)\d{{1,2}}"
    rf"|{_MONTH} {_NTH},? {_YEAR}|{_NTH}(?: of)? {_MONTH},? {_YEAR}|{_MONTH},? \d{{4}}"
    rf"|\d{{1,2}}(?P<of_day>[/-]){_MONTH}(?P=of_day)\d{{2,4}}|\b(?:18|19|20)\d\d\b)"
)
_HYPHEN = r"[-\u2010-\u2013]"
_RECORD = (
    r"(?:MRN|SSN|S\.S\.N\.|SS(?= ?#)|NPI|medical record|health card"
    r"|soc(?:ial|\.)? sec(?:urity|\b\.?)"
    r"|(?P<dated>insurance|member|policy|account|acct|accession|patient|encounter|visit|unit))"
)
_DAY_OR_YEARS = (
    r"(?:(?:0?[1-9]|[12]\d|3[01])-(?:0?[1-9]|[12]\d|3[01])-(?:(?:19|20)\d\d|\d\d)"
    r"|(?:19|20)\d\d-\d\d?(?:-\d\d?)?|(?:19|20)\d\d-(?:19|20)\d\d)(?![\w-])"
)
_REST = r"[ .-]\(?\d(?:(?:\)?[ .]?|-)\d)"
# Fluid balances and grades have a `+` as well. What follows must be a code of a country and as many
# digits as its numbers have.
_ABROAD = (
    r"1(?:[ .-]?\([2-9]\d\d\) ?|[ .-][2-9]\d\d[ .-])[2-9]\d\d[ .-]?\d{4}|1[2-9]\d{2}[2-9]\d{6}"
    r"|[2-9]\d{9,14}|[2-9]\d{4,5}[ -]\d{6,8}"
    rf"|(?:32|4[57]|65)(?![ .-]\d\d?[.-]\d\d?[.-]\d{{4}}){_REST}{{7,8}}"
    rf"|7{_REST}{{9}}|(?:2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]){_REST}{{8,12}}"
    rf"|(?:2[1-689]|3[578]|42|5[09]|6[7-9]|8[0578]|9[679])(?:[1-9]{_REST}{{7,11}}|0{_REST}{{8,11}})"
)
# Groups of digits behind a word such as MRN, and how such a number is not to go on.
_GROUPS = r"\d{2,4}(?:(?:[ .]| - )\d{2,4}){2,4}(?![\w/-]|\.\d|-? ?(?:years?|yrs?|y[./ ]?o)\b)"
_CALLED = (
    r"(?P<called>(?i:\b(?:(?:tele)?phone|tel|fax|call(?:ed)?|dial|mobile)\.?"
    r"(?: (?:number|no\.?|her|him|me|us|them|at|on|is)){0,2} ?[:#]{0,2} {0,2}))"
)
_SPACED = r"[ ][2-9]\d\d[ -]|[ -][2-9]\d\d[ ]|(?<=\))[-. ]?[2-9]\d\d[ ]"
_UNIT = r"(?i:mg|mcg|g|kg|ml|cc|l|units?|iu|cells|copies|k|mmol|meq|steps|kcal|cal)\b"
_UNITS = "one two three four five six seven eight nine".replace(" ", "|")
_TEENS = (
    "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
).replace(" ", "|")
_AGE = (
    rf"(?:9[1-9]|1[0-2]\d|ninety(?:[ -](?:{_UNITS})\b)?+"
    rf"|(?:one[ -])?hundred(?:(?:[ -]and)?[ -](?:{_UNITS}|{_TEENS})\b)?+)"
)
# MR, MS and DR in capitals are a valve, a disease and an eye as well.
_FINDING = "".join(
    rf"(?<!{word} )"
    for word in (
        "(?i:no)",
        "(?i:mild)",
        "(?i:moderate)",
        "(?i:severe)",
        "(?i:trace)",
        r"\+",
        "(?i:of)",
    )
)
_TITLE = (
    rf"(?:Mrs|mrs|Mr|mr|Ms|Dr|dr|Prof|prof|PROF)\.?|(?:MRS|{_FINDING}DR)\."
    rf"|{_FINDING}(?:MR|MS)\.(?= ?[A-Z][A-Z.'])|Miss|[Dd]octor|[Pp]rofessor|PROFESSOR|[Nn]urse"
    r"|(?P<several>[Dd]rs\.?|DRS\.|[Dd]octors)"
)
_NO_NAME = (
    r"(?:(?:Mrs?|Ms|Drs?|Prof|Contin|MRS?|MS|DRS?|PROF|PATIENT|PT|HE|SHE|THE|THIS|THERE|IT|NO|NOT|AND|OR"
    r"|WITH|FOR|FROM|TO|ON|IN|AT|BY|WILL|WAS|IS|HAS|HAD|MAY|CAN|SEEN|SAW|CAME|SAID|SAYS|NOTED|ASKED"
    r"|CALLED|DENIES|REPORTS|STATES|AWARE|MD|DO|RN|NP|PA|NORMAL|MILD|MODERATE|SEVERE|MACULA|AORTIC"
    r"|MITRAL|LVEF|LV|RV|EF|LA|RA|TR|AI|AS)\b)"
)
_WORD = rf"(?!{_NO_NAME})[A-ZÀ-ÖØ-Þ][A-Za-zÀ-ÖØ-öø-ÿ'\u2019-]+"
_SURNAME = rf"(?:(?i:von|van|de|la|der|del) ){{0,3}}{_WORD}"
_NAME = rf"(?:[A-ZÀ-ÖØ-Þ]\.[ -]?|[A-ZÀ-ÖØ-Þ] ){{0,3}}{_SURNAME}(?: [A-Z]\.)?(?: {_SURNAME})?"

PATTERNS: Mapping[str, tuple[re.Pattern[str], str]] = {
    "emails": (re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}"), "email"),
    "urls": (re.compile(r"(?i)\b(?:https?://|www\.)[^\s<>\"]{0,500}[^\s<>\".,;:!?)\]]"), "website"),
    "birth_dates": (
        re.compile(
            r"(?i)\b(DOB|D\.O\.B\.|date of birth|birth ?date|born(?: on| in)?(?: the)?)"
            rf"((?: is| was)?(?:[:,]| ?=| -)?\s{{0,3}}){_DATE}"
        ),
        r"\1\2date",
    ),
    "record_numbers": (
        re.compile(
            rf"(?i)\b(?P<what>{_RECORD}(?: (?P<said>number|no\.?|id))?(?: is)?"
            r"(?: {0,2}[:#=]{1,2}\s{0,2}| -{1,2} | {0,2}))"
            rf"(?:(?(dated)(?!{_DAY_OR_YEARS}))(?:[A-Z]{{1,3}}-?)?\d[\d-]{{4,14}}(?![\w-])"
            rf"|(?(dated)(?(said)|(?!))){_GROUPS})"
        ),
        r"\g<what>number",
    ),
    "social_security_numbers": (
        re.compile(rf"(?<![\w-])\d{{3}}{_HYPHEN}\d\d{_HYPHEN}\d{{4}}(?![\w-])"),
        "number",
    ),
    "phones": (
        re.compile(
            rf"(?<![\w.])\+(?:{_ABROAD})(?![\w/-])|(?<![\w.])(?:"
            rf"(?:1[-. ])?\(\d{{3}}\)[-. ]?\d{{3}}[-.]\d{{4}}|(?:1[-.])?\d{{3}}(?:{_HYPHEN}|\.)"
            rf"\d{{3}}(?:{_HYPHEN}|\.)\d{{4}})(?![\w-])"
            # With spaces it looks like a series of values, so it is to be one of North America.
            rf"|(?<![\w.,/-])(?<!\d )(?:1[- ])?(?:[2-9]\d\d|\([2-9]\d\d\))(?:{_SPACED})"
            rf"(?!\d\d(?:00|50)\b)\d{{4}}(?![\w/-]|[.,]?\d| \d| ?{_UNIT})"
            rf"|{_CALLED}(?!\d\d?-\d\d?-\d|(?:19|20)\d\d[.-]\d\d?[.-])"
            r"(?=(?:\d[ .-]?){7,13}(?![\w.-]|\.\d))"
            rf"\d{{2,5}}(?:[ .-]\d{{3,6}}+|-\d\d){{1,4}}+(?![\w-]| ?{_UNIT})"
            r"|(?P<paged>(?i:\b(?:(?:tele)?phone|pager|beeper|fax|tel\.?|ext\.|extension)"
            r"(?: (?:number|no\.?))?(?: is)?(?: ?[:#]{1,2} ?| )))\d[\d-]{3,11}(?![\w-])"
        ),
        r"\g<called>\g<paged>phone",
    ),
    "long_numbers": (
        re.compile(r"(?<![\w.,/-])\d{7,12}(?![\w,/-]|\.\d|\s?(?i:copies|cells|IU|units|CFU)\b)"),
        "number",
    ),
    "ages_over_89": (
        re.compile(
            rf"(?i)(?<![\w.,/-]){_AGE}(?=[ -]{{0,2}}(?:years?\b[ -]{{0,2}}(?:old|of age)"
            r"|y[./ ]{0,2}o[FM]?\b|yrs?\.?[ -]old|y\b(?!/)))"
            rf"|(?:(?<=\bage )|(?<=\bage:)|(?<=\bage: )|(?<=\bage of )|(?<=\baged )){_AGE}\b"
            r"(?![.,-]?\d|%|[ -]?(?:mg|ml|days?|weeks?|months?|degrees?|percent)\b)"
            # A number with an F is a temperature as well: an age opens a sentence.
            rf"|(?:(?m:^)|(?<=[.;!?] )|(?<=\bHPI: )|(?<=\ba )|(?<=\bpt )|(?<=\bpatient ))"
            rf"{_AGE}(?= ?[FM],? (?:with|w/|who|p/w|s/p|c/o|h/o|presents|presenting|admitted))"
        ),
        "90",
    ),
    "names_behind_titles": (
        re.compile(
            rf"\b({_TITLE}) {{0,2}}(?<=[. ]){_NAME}"
            rf"(?(several)(?:(?:, and |, | and | & |/){_NAME}){{0,5}})"
        ),
        r"\1 name",
    ),
}
"""Kind of personal data → what finds it, and the text in its place."""


def options(remove: Any = None) -> tuple[str, ...]:
    """Return the kinds of personal data to hide; all by default, none for an empty list.

    Raises:
        ValueError: It is no list of kinds.
    """
    if remove is None:
        return tuple(PATTERNS)
    known = ", ".join(PATTERNS)
    if not isinstance(remove, list | tuple):
        raise ValueError(f"remove: expected a list with some of {known}; [] for none")
    if unknown := [kind for kind in remove if kind not in PATTERNS]:
        raise ValueError(f"remove: {unknown[0]!r} is none of {known}")
    return tuple(kind for kind in PATTERNS if kind in remove)


def _make(remove: tuple[str, ...], _context: Any) -> Any:
    return replacing({kind: PATTERNS[kind] for kind in remove})


def without_personal_data(text: str) -> str:
    """Return a text in which the step's patterns found and replaced personal data."""
    for pattern, instead in PATTERNS.values():
        text = pattern.sub(instead, text)
    return text


PERSONAL_DATA = CorpusStep("note-personal-data", make=_make, options=options, apart=True)
"""Hides personal data, and counts it by kind; the option `remove` lists the kinds, `[]` is off."""

"""What the licences of sources allow a model made from them to be published under."""

from __future__ import annotations

import re
from collections.abc import Mapping

from domainbert.errors import UserError

OTHER = "other"
"""The hub's word for a licence that is in no list: the card names those of all sources."""

_FORBIDS = {
    "non-commercial use": re.compile(
        r"\bnc\b|\b(non|no|not for)[- ]?commercial|commercial use (is )?(not|prohibit|forbid)"
        r"|(research|academic|education(al)?|personal|evaluation)[- ](use|purposes?|only)",
        re.IGNORECASE,
    ),
    "rights are reserved": re.compile(r"\brights reserved|\bproprietary|\bforbid", re.IGNORECASE),
    "not stated": re.compile(
        r"\b(not |un)(stated|specified)\b|\bunknown\b|^\W*(n/a|none)?\W*$", re.IGNORECASE
    ),
    "share alike": re.compile(r"\bsa\b|share[- ]?alike|\b[al]?gpl|copyleft", re.IGNORECASE),
    "no derivatives": re.compile(r"\bnd\b|no[- ]?deriv", re.IGNORECASE),
}
# No licence of a changed work keeps the terms of one that forbids changed works.
_NEVER = "no derivatives"
# Hyphens and blanks of other programs.
_SIGNS = str.maketrans("_\xa0\u2010\u2011\u2012\u2013", "  ----")


def restrictions(licence: str) -> list[str]:
    """Return what a licence forbids by its words, and `not stated` where they say so."""
    return [name for name, found in _FORBIDS.items() if found.search(licence.translate(_SIGNS))]


def check_licences(licence: str, sources: Mapping[str, str]) -> None:
    """Refuse to publish under a licence that allows more than that of a source, or if it has none.

    Args:
        licence: Identifier on the hub, such as `apache-2.0`; `other` claims nothing.
        sources: Licence of each source by its name, in words.

    Raises:
        UserError: With the source and what its licence says.
    """
    if licence == OTHER:
        return
    keeps = {name for name, words in _FORBIDS.items() if words.search(licence)} - {_NEVER}
    for source, words in sources.items():
        for name in restrictions(words):
            if name not in keeps:
                raise UserError(
                    f"--licence {licence}: {source} is under {words!r} ({name}), which a model "
                    f"made from it cannot be given away under {licence}. Take --licence other, "
                    "or leave the source out."
                )

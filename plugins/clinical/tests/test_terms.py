from __future__ import annotations

import re

from helpers.terms import check_lines, doubled

from domainbert_clinical.domain import CLINICAL

TERMS = CLINICAL.terms
# Words that say nothing about the field; the list must hold none of them.
GENERAL = {
    *("about", "all", "blood", "body", "day", "doctor", "family", "hand", "heart", "history"),
    *("home", "hospital", "house", "man", "name", "normal", "note", "pain", "patient", "plan"),
    *("report", "right", "test", "the", "time", "treatment", "use", "woman", "year"),
}


def test_enough_distinct_terms() -> None:
    terms = TERMS.read()
    assert len(terms) >= 1500
    assert doubled(TERMS) == []


def test_terms_are_short_and_clean() -> None:
    for term in TERMS.read():
        assert re.fullmatch(r"\w[\w.'&/-]*( [\w&-][\w.'&/-]*){0,3}", term), term


def test_abbreviations_are_kept() -> None:
    wanted = {"CABG", "COPD", "q.i.d.", "b.i.d.", "PRN", "s/p", "NSTEMI", "PERRLA", "CHF"}
    assert wanted <= set(TERMS.read())


def test_no_general_words() -> None:
    assert GENERAL & {term.casefold() for term in TERMS.read()} == set()


def test_lines_are_terms_or_comments_and_the_header_states_origin_and_licence() -> None:
    check_lines(TERMS)

from __future__ import annotations

import re

from helpers.terms import check_lines, doubled

from domainbert_bio.domain import BIO

TERMS = BIO.terms
# Words that say nothing about the field; the list must hold none of them.
GENERAL = {
    *("about", "acute", "analysis", "because", "blood", "body", "bone", "brain", "cell", "chronic"),
    *("clinical", "control", "data", "disease", "doctor", "drug", "effect", "factor", "group"),
    *("health", "heart", "human", "kidney", "liver", "lung", "method", "model", "normal", "people"),
    *("patient", "protein", "rate", "result", "risk", "skin", "study", "test", "treatment", "use"),
}


def test_enough_distinct_terms() -> None:
    terms = TERMS.read()
    assert len(terms) >= 1700
    assert doubled(TERMS) == []


def test_each_term_is_one_to_two_words_without_stray_blanks() -> None:
    for term in TERMS.read():
        assert re.fullmatch(r"[^\W_]([^\W_]|['-])*( [^\W_]([^\W_]|['-])*)?", term), term
    phrases = [term for term in TERMS.read() if " " in term]
    assert len(phrases) < len(TERMS.read()) / 20


def test_no_general_words() -> None:
    assert GENERAL & {term.casefold() for term in TERMS.read()} == set()


def test_lines_are_terms_or_comments_and_the_header_states_origin_and_licence() -> None:
    check_lines(TERMS)

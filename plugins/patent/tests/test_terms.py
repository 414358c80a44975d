from __future__ import annotations

import re

from helpers.terms import check_lines, doubled

from domainbert_patent.domain import PATENT

TERMS = PATENT.terms
# Words that say nothing about the field; the list must hold none of them.
GENERAL = {
    *(
        "about",
        "also",
        "because",
        "big",
        "body",
        "data",
        "day",
        "first",
        "good",
        "human",
        "important",
    ),
    *("large", "method", "new", "number", "other", "part", "people", "place", "result", "second"),
    *("small", "study", "system", "thing", "time", "use", "very", "water", "way", "work", "year"),
}


def test_enough_distinct_terms() -> None:
    terms = TERMS.read()
    assert len(terms) >= 2400
    assert doubled(TERMS) == []


def test_each_term_is_one_to_four_words_without_stray_blanks() -> None:
    for term in TERMS.read():
        assert re.fullmatch(r"[^\W_]([^\W_]|-)*( [^\W_]([^\W_]|-)*){0,3}", term), term


def test_no_general_words() -> None:
    assert GENERAL & {term.casefold() for term in TERMS.read()} == set()


def test_all_of_the_field_is_there() -> None:
    terms = set(TERMS.read())
    language = {"wherein", "thereof", "plurality", "embodiment", "comprising"}
    fields = {"herbicide", "extruder", "copolymer", "nonwoven", "wellbore", "camshaft", "pixel"}
    assert language | fields | {"semiconductor"} <= terms


def test_lines_are_terms_or_comments_and_the_header_states_origin_and_licence() -> None:
    check_lines(TERMS, comments=12)

from __future__ import annotations

import re
from collections import Counter

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
    doubled = [term for term, n in Counter(map(str.casefold, terms)).items() if n > 1]
    assert doubled == []


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
    lines = TERMS.path.read_text(encoding="utf-8").splitlines()
    assert len(TERMS.read()) == sum(not line.startswith("#") for line in lines)
    assert all(line == line.strip() != "" for line in lines)
    header = " ".join(lines[:5])
    assert "Written by hand for this project" in header
    assert "CC0-1.0" in header
    assert TERMS.licence == "CC0-1.0"
    assert sum(line.startswith("# ") for line in lines) > 12

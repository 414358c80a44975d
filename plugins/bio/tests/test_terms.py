from __future__ import annotations

import re
from collections import Counter

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
    doubled = [term for term, n in Counter(map(str.casefold, terms)).items() if n > 1]
    assert doubled == []


def test_each_term_is_one_to_two_words_without_stray_blanks() -> None:
    for term in TERMS.read():
        assert re.fullmatch(r"[^\W_]([^\W_]|['-])*( [^\W_]([^\W_]|['-])*)?", term), term
    phrases = [term for term in TERMS.read() if " " in term]
    assert len(phrases) < len(TERMS.read()) / 20


def test_no_general_words() -> None:
    assert GENERAL & {term.casefold() for term in TERMS.read()} == set()


def test_lines_are_terms_or_comments_and_the_header_states_origin_and_licence() -> None:
    lines = TERMS.path.read_text(encoding="utf-8").splitlines()
    assert len(TERMS.read()) == sum(not line.startswith("#") for line in lines)
    assert all(line == line.strip() != "" for line in lines)
    header = " ".join(lines[:5])
    assert "Written by hand for this project" in header
    assert "CC0-1.0" in header
    assert TERMS.licence == "CC0-1.0"
    assert sum(line.startswith("# ") for line in lines) > 20

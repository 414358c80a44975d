from __future__ import annotations

import re
from collections import Counter

from domainbert_finance.domain import FINANCE

TERMS = FINANCE.terms
# Words that say nothing about the field; the list must hold none of them.
GENERAL = {
    *("about", "account", "again", "amount", "and", "because", "benchmark", "business", "by"),
    *("change", "company", "correction", "cost", "delta", "for", "from", "high", "in", "increase"),
    *("large", "level", "low", "market", "minutes", "momentum", "money", "multiplier", "new"),
    *("number", "of", "on", "people", "period", "plan", "price", "rate", "report", "result"),
    *("risk", "share", "specialist", "the", "time", "to", "total", "value", "with", "year"),
}


def test_enough_distinct_terms() -> None:
    terms = TERMS.read()
    assert len(terms) == 1638
    assert [term for term, n in Counter(map(str.casefold, terms)).items() if n > 1] == []


def test_each_term_is_one_to_four_words_without_stray_blanks() -> None:
    word = r"[^\W_][\w&'()+-]*"
    for term in TERMS.read():
        assert re.fullmatch(rf"{word}( (&|{word})){{0,4}}", term), term


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

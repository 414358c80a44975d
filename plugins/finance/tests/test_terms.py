from __future__ import annotations

import re

from helpers.terms import check_lines, doubled

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
    assert doubled(TERMS) == []


def test_each_term_is_one_to_four_words_without_stray_blanks() -> None:
    word = r"[^\W_][\w&'()+-]*"
    for term in TERMS.read():
        assert re.fullmatch(rf"{word}( (&|{word})){{0,4}}", term), term


def test_no_general_words() -> None:
    assert GENERAL & {term.casefold() for term in TERMS.read()} == set()


def test_lines_are_terms_or_comments_and_the_header_states_origin_and_licence() -> None:
    check_lines(TERMS)

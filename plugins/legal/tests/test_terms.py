from __future__ import annotations

import re

import pytest
from helpers.terms import check_lines, doubled

from domainbert.corpus.token_units import IN_TERM, term_units
from domainbert.words import word_spans
from domainbert_legal.domain import LEGAL

TERMS = LEGAL.terms
# Words that say nothing about the field; the list must hold none of them.
GENERAL = {
    *("about", "answer", "because", "business", "case", "company", "day", "fact", "information"),
    *("law", "money", "month", "no.", "people", "person", "price", "question", "reason", "so."),
    *("time", "work", "year"),
}


def test_enough_distinct_terms() -> None:
    terms = TERMS.read()
    assert len(terms) >= 2000
    assert doubled(TERMS) == []


def test_terms_are_clean() -> None:
    for term in TERMS.read():
        assert re.fullmatch(r"[\w§¶][\w'’.()§¶&/ -]*", term), term
        assert len(term.split()) <= 6, term


def test_no_general_words() -> None:
    assert GENERAL & {term.casefold() for term in TERMS.read()} == set()


def test_lines_are_terms_or_comments_and_the_header_states_origin_and_licence() -> None:
    check_lines(TERMS)


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("a right under 17 U.S.C. § 107 to copy", ["U.S.C. §"]),
        ("see 551 F. Supp. 3d 12 and 9 F.4th 3", ["F. Supp. 3d", "F.4th"]),
        ("by Regulation (EU) 2016/679 and Art. 5(1)(a)", ["Regulation (EU)", "Art."]),
        ("held void ab initio by the Court of Appeals", ["void ab initio", "Court of Appeals"]),
    ],
)
def test_forms_of_citations_are_terms_in_one_piece(text: str, pieces: list[str]) -> None:
    words = word_spans(text)
    flags = term_units(TERMS.read()).flags(text, words, list(range(len(words))))
    inside = [text[a:b] for (a, b), flag in zip(words, flags, strict=True) if flag & IN_TERM]
    expected = [text[a:b] for piece in pieces for a, b in spans_of(text, piece)]
    assert [word for word in inside if word in expected] == expected


def spans_of(text: str, piece: str) -> list[tuple[int, int]]:
    start = text.index(piece)
    return word_spans(text, start, start + len(piece))

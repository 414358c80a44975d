from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from domainbert import DataError, Document
from domainbert_finance.fomc import read_fomc

Write = Callable[..., Path]
CONFERENCE = """,speaker,sentence
0,CHAIR ROE,"Good afternoon, everyone."
1,CHAIR ROE,Inflation is near .
2,CHAIR ROE,.
4,SAM POE,How long?
5,CHAIR ROE,We shall see.
"""


def test_minutes_in_one_line_are_folded(write: Write) -> None:
    text = "The staff     review \tnoted  slack.   Votes for this action: Ms. Roe."
    assert list(read_fomc(write("20190320.txt", text))) == [
        Document(
            "20190320",
            "The staff review noted slack. Votes for this action: Ms. Roe.",
            "20190320.txt",
        )
    ]


def test_a_speech_keeps_its_lines(write: Write) -> None:
    text = "Thank you.\r\n\r\nRates \u2013 as you know \u2013 rose.\n \n".encode("cp1252")
    (found,) = read_fomc(write("19961002.txt", text))
    assert found.text == "Thank you.\nRates \u2013 as you know \u2013 rose."
    (packed,) = read_fomc(write("19961002.txt.gz", gzip.compress(text)))
    assert (packed.id, packed.text) == (found.id, found.text)


def test_a_turn_of_a_press_conference_is_a_paragraph(write: Write) -> None:
    (found,) = read_fomc(write("FOMCpresconf20190130.csv", CONFERENCE))
    assert found.id == "FOMCpresconf20190130"
    assert found.text.split("\n") == [
        "Good afternoon, everyone. Inflation is near . .",
        "How long?",
        "We shall see.",
    ]


def test_a_table_without_speakers_has_a_paragraph_per_sentence(write: Write) -> None:
    (found,) = read_fomc(write("a.csv", ",sentence\n0,Rates rose.\n1,Growth slowed.\n"))
    assert found.text == "Rates rose.\nGrowth slowed."


@pytest.mark.parametrize(("name", "content"), [("a.txt", " \n\n"), ("a.csv", "sentence\n")])
def test_a_file_without_text_has_no_document(write: Write, name: str, content: str) -> None:
    assert list(read_fomc(write(name, content))) == []


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.htm", "Rates rose.", r"a\.htm: expected a \.txt or \.csv file"),
        ("a.txt", "<!DOCTYPE html><p>Rates</p>", r"a\.txt: HTML, expected plain text"),
        ("a.txt", b"\0\1", r"a\.txt: not a text"),
        ("a.csv", "text\nRates rose.\n", r"a\.csv:1: no column 'sentence'; the header names text"),
        ("a.csv", "speaker,sentence\nROE\n", r"a\.csv:2: expected 2 columns"),
    ],
)
def test_what_is_refused(write: Write, name: str, content: str | bytes, said: str) -> None:
    with pytest.raises(DataError, match=said):
        list(read_fomc(write(name, content)))

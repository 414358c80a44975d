from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domainbert import DataError
from domainbert_finance.calls import read_call

Write = Callable[..., Path]

CALL = """Made Up Pumps Inc (MUP)

Corporate Participants
Jane Doe -- Chief Executive Officer

================================
Presentation
--------------------------------
Operator [1]
--------------------------------
Good day, and welcome to the call of
Made Up Pumps, Valley. I hand over to Jane Doe.

Jane Doe, Made Up Pumps Inc - CEO [2]
Thank you. Sales rose by 3% in the
Valley, and in other places.

We sold 40 pumps.
Questions and Answers:
Operator
[Operator Instructions] The first question is from Sam Poe.
Sam Poe -- Valley Bank -- Analyst
How many valves?
Jane Doe
None.
"""
PRESENTATION = [
    "Made Up Pumps Inc (MUP)",
    "Corporate Participants",
    "Jane Doe -- Chief Executive Officer",
    "Presentation",
    "Operator",
    "Good day, and welcome to the call of Made Up Pumps, Valley. I hand over to Jane Doe.",
    "Jane Doe, Made Up Pumps Inc - CEO",
    "Thank you. Sales rose by 3% in the Valley, and in other places.",
    "We sold 40 pumps.",
]
QUESTIONS = [
    "Questions and Answers:",
    "Operator",
    "[Operator Instructions] The first question is from Sam Poe.",
    "Sam Poe -- Valley Bank -- Analyst",
    "How many valves?",
    "Jane Doe",
    "None.",
]


def test_a_call_is_its_presentation_and_its_questions(write: Write) -> None:
    found = list(read_call(write("pumps.q3.txt", CALL)))
    assert [(d.id, d.source) for d in found] == [
        (f"pumps.q3#{part}", f"pumps.q3.txt#{part}") for part in ("presentation", "questions")
    ]
    assert [d.text.split("\n") for d in found] == [PRESENTATION, QUESTIONS]
    packed = read_call(write("pumps.q3.txt.gz", gzip.compress(CALL.encode())))
    assert [(d.id, d.text) for d in packed] == [(d.id, d.text) for d in found]


@pytest.mark.parametrize(
    "heading",
    ["Prepared Remarks:", "PRESENTATION", "Presentation Section", "Q&A",
     "QUESTIONS AND ANSWERS", "Questions & Answers:"],
)  # fmt: skip
def test_headings_of_parts(write: Write, heading: str) -> None:
    (found,) = read_call(write("a.txt", f"{heading}\nWe sold more."))
    assert found.id.partition("#")[2] in {"presentation", "questions"}
    assert found.text == f"{heading}\nWe sold more."


def test_a_transcript_without_parts_is_one_document(write: Write) -> None:
    text = "The presentation went well. Questions and answers follow."
    assert [(d.id, d.text) for d in read_call(write("a.txt", text))] == [("a", text)]
    assert list(read_call(write("a.txt", " \n\n"))) == []


def test_a_long_line_is_a_paragraph(write: Write) -> None:
    lines = [f"Paragraph {n} " + "goes on and on " * 12 + "." for n in range(3)]
    (found,) = read_call(write("a.txt", "\n".join(lines)))
    assert found.text.split("\n") == lines


def test_windows_letters(write: Write) -> None:
    (found,) = read_call(write("a.txt", "Sales rose \u2013 by \u20ac3.".encode("cp1252")))
    assert found.text == "Sales rose \u2013 by \u20ac3."


@given(st.lists(st.text("Ab ., \n[1]-", max_size=40), max_size=6))
def test_no_letter_is_lost(tmp_path_factory: pytest.TempPathFactory, parts: list[str]) -> None:
    text = "\n".join(["Presentation", *parts, "Q&A", *parts])
    path = tmp_path_factory.mktemp("call") / "a.txt"
    path.write_text(text)
    found = "".join(document.text for document in read_call(path))
    assert [c for c in found if c.isalpha()] == [c for c in text if c.isalpha()]


@pytest.mark.parametrize(
    ("content", "message"),
    [("<!DOCTYPE html><html><body>x</body></html>", "HTML, expected a transcript"),
     (b"\0\1\2", "not a text")],
)  # fmt: skip
def test_what_is_refused(write: Write, content: str | bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        list(read_call(write("a.txt", content)))

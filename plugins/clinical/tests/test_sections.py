from __future__ import annotations

from typing import Any

import pytest

from domainbert import Document
from domainbert_clinical.sections import header_of


def test_known_headers_become_paragraphs_and_wrapped_lines_are_joined(passed: Any) -> None:
    text = (
        "HISTORY OF PRESENT ILLNESS: The patient is a baker who has been coughing since the\n"
        "oven door broke, mostly at night.\n"
        "Past Medical History:\n1. Asthma.\n2. Gout.\n\n\n"
        "CHIEF COMPLAINT\n\nCough.\n"
    )
    (found,), counts = passed("note-sections", text)
    assert found.split("\n") == [
        "HISTORY OF PRESENT ILLNESS:",
        "The patient is a baker who has been coughing since the oven door broke, mostly at night.",
        "Past Medical History:",
        "1. Asthma.",
        "2. Gout.",
        "CHIEF COMPLAINT",
        "Cough.",
    ]
    assert counts.reasons == {"sections": 3}


def test_an_unknown_header_stays_and_is_counted_and_shown(passed: Any) -> None:
    text = "PIGEON EXPOSURE: He keeps forty.\nBeekeeping:\nNone.\nTemp: 98.6\nhttp://example.org"
    (found,), counts = passed("note-sections", text)
    assert found == text
    assert counts.reasons == {"unknown_headers": 2}
    shown = [(reason, note) for reason, _, note in counts.examples]
    assert shown == [
        ("unknown_headers", "PIGEON EXPOSURE:"),
        ("unknown_headers", "Beekeeping:"),
    ]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("HPI:67yo man", ("HPI:", "67yo man", True)),
        ("Assessment and Plan : rest", ("Assessment and Plan:", "rest", True)),
        ("ASSESSMENT", ("ASSESSMENT", "", True)),
        ("1. HPI: cough", ("1. HPI:", "cough", True)),
        ("2) Plan: rest", ("2) Plan:", "rest", True)),
        ("II. Family History: gout", ("II. Family History:", "gout", True)),
        ("A. HPI: cough", ("A. HPI:", "cough", True)),
        ("# Labs: pending", ("# Labs:", "pending", True)),
        ("- Exam: normal", ("- Exam:", "normal", True)),
        ("**HPI:** cough", ("HPI:", "cough", True)),
        ("**HPI**: cough", ("HPI:", "cough", True)),
        ("__HPI:__ ___ coughs", ("HPI:", "___ coughs", True)),
        ("1. **HPI:** cough", ("1. HPI:", "cough", True)),
        ("**Assessment and Plan**", ("Assessment and Plan:", "", True)),
        ("## Assessment and Plan", ("## Assessment and Plan", "", True)),
        ("HPI\uff1acough", ("HPI:", "cough", True)),
        ("HPI \uff1a cough", ("HPI:", "cough", True)),
        ("HPI - cough", ("HPI:", "cough", True)),
        ("HPI \u2013 cough", ("HPI:", "cough", True)),
        ("HPI\u2014cough", ("HPI:", "cough", True)),
        ("HPI -- cough", ("HPI:", "cough", True)),
        ("Follow-up - two weeks", ("Follow-up:", "two weeks", True)),
        ("Pmhx: DM", ("Pmhx:", "DM", True)),
        ("PMHx - DM", ("PMHx:", "DM", True)),
        ("P.M.H.: DM", ("P.M.H.:", "DM", True)),
        ("HPI (per his wife): cough", ("HPI (per his wife):", "cough", True)),
        ("ASSESSMENT & PLAN: rest", ("ASSESSMENT & PLAN:", "rest", True)),
        ("Assessment/Plan: rest", ("Assessment/Plan:", "rest", True)),
        ("IMPRESSION/PLAN: rest", ("IMPRESSION/PLAN:", "rest", True)),
        ("A&P: rest", ("A&P:", "rest", True)),
        ("Labs and Imaging: none", ("Labs and Imaging:", "none", True)),
        ("ASSESSMENT & PLAN", ("ASSESSMENT & PLAN", "", True)),
        ("1. PIGEON EXPOSURE: forty", ("1. PIGEON EXPOSURE:", "forty", False)),
        ("**Beekeeping:** None", ("Beekeeping:", "None", False)),
        ("**Beekeeping:**", ("Beekeeping:", "", False)),
        ("PIGEON EXPOSURE\uff1aforty", ("PIGEON EXPOSURE:", "forty", False)),
        ("PIGEON EXPOSURE - he keeps forty", ("PIGEON EXPOSURE:", "he keeps forty", False)),
        ("Travel History: none", ("Travel History:", "none", False)),
        ("Dental exam: normal", ("Dental exam:", "normal", False)),
        ("Tobhx: none", ("Tobhx:", "none", False)),
        ("1. Asthma: inhaler", None),
        ("1. PE: on heparin", None),
        ("PE - ruled out", None),
        ("E. COLI: resistant", None),
        ("exam - normal", None),
        ("Temp - 98.6", None),
        ("Well-known - to us", None),
        ("PATIENT WAS SEEN - HE IS WELL", None),
        ("the plan: rest", None),
        ("3 - 4 tablets", None),
        ("** see below **", None),
        ("**bold** words: here", None),
        ("___", None),
        ("# Asthma", None),
        ("Assessment", None),
        ("Seen at 15:40", None),
        ("BP: 120/70", None),
        ("He said the following to all who were in the room:", None),
    ],
)
def test_headers(line: str, expected: Any) -> None:
    assert header_of(line) == expected


def test_a_placeholder_over_a_line_end_stays_whole(passed: Any) -> None:
    (found,), _ = passed("note-sections", "Seen by [**First\nName8 (NamePattern2) 12**] today.")
    assert found == "Seen by [**First Name8 (NamePattern2) 12**] today."


def test_a_list_is_not_joined(passed: Any) -> None:
    line = "- a long line of a list that is wide enough to have been wrapped"
    (found,), _ = passed("note-sections", f"{line}\n{line}")
    assert found == f"{line}\n{line}"


def test_notes_marked_as_errors_are_dropped_and_counted(passed: Any) -> None:
    good, bad = Document("1", "Good.", "n.csv:2"), Document("2", "", "n.csv:3 ISERROR")
    texts, counts = passed("note-sections", good, bad)
    assert (texts, counts.reasons, counts.dropped) == (["Good."], {"error_notes": 1}, 1)


def test_a_note_of_100_000_words_comes_through_whole(passed: Any) -> None:
    words = " ".join(f"w{n}" for n in range(100_000))
    for step in ("note-sections", "note-placeholders", "note-personal-data"):
        (found,), counts = passed(step, words)
        assert found == words
        assert counts.reasons == {}
    (found,), counts = passed("note-sections", "Plan:\n" + words.replace(" w5", "\nw5"))
    assert len(found.split()) == 100_001
    assert counts.reasons == {"sections": 1}


def test_ways_of_writing_headers_become_one_and_no_word_is_lost(passed: Any) -> None:
    text = "1. HPI: cough\n**PMH:** gout\nPlan - rest\n**Bees:** forty\nPmhx\uff1aDM"
    (found,), counts = passed("note-sections", text)
    assert found.split("\n") == [
        *("1. HPI:", "cough", "PMH:", "gout", "Plan:", "rest", "**Bees:** forty", "Pmhx:", "DM"),
    ]
    assert counts.reasons == {"sections": 4, "unknown_headers": 1}
    assert passed("note-sections", found)[0] == [found]


@pytest.mark.parametrize("line", ["1. " * 40_000, "A" * 100_000, "*" * 100_000, "A - " * 30_000])
def test_a_long_line_takes_linear_time(line: str) -> None:
    assert header_of(line) is None

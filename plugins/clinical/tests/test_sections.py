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

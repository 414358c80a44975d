from __future__ import annotations

import pytest

from domainbert import Document
from domainbert.corpus.steps import find_steps, run_steps
from domainbert.pipeline.choose import load_registry


def cleaned(text: str) -> tuple[str, dict[str, int]]:
    load_registry(())
    counts: dict = {}
    steps = find_steps(["abstract-boilerplate"])
    (found,) = run_steps([Document("1", text, "a:1")], steps, counts)
    return found.text, counts["abstract-boilerplate"].reasons


@pytest.mark.parametrize(
    ("note", "name"),
    [
        (" (ABSTRACT TRUNCATED AT 400 WORDS)", "truncation_notes"),
        ("(ABSTRACT TRUNCATED)", "truncation_notes"),
        (" Copyright © 2014 Made Up Press. All rights reserved.", "copyright_notes"),
        (" © 2020 The Authors. Cells published by Made Up Press.", "copyright_notes"),
        (" (c) 1999 Made Up Society", "copyright_notes"),
        (" This article is protected by copyright. All rights reserved.", "copyright_notes"),
    ],
)
def test_notes_of_publishers_are_taken_out(note: str, name: str) -> None:
    assert cleaned(f"Title.\nThe cells died.{note}") == ("Title.\nThe cells died.", {name: 1})
    assert cleaned(f"The cells died.{note}\nMore.") == ("The cells died.\nMore.", {name: 1})


@pytest.mark.parametrize(
    "text",
    [
        "We truncated abstracts at 400 words.",
        "Group (c) 12 patients were seen.",
        "©",
        "(c) 12",
        "Groups took (a) 1000 and (c) 2000 mg per day. Pain fell.",
        "(c) 1234 carriers. Good.",
        "Fell. (c) 2000 mg were given.",
    ],
)
def test_words_of_authors_stay(text: str) -> None:
    assert cleaned(text) == (text, {})

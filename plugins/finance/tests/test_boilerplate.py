from __future__ import annotations

import pytest

from domainbert import Document
from domainbert.corpus.steps import find_steps, run_steps
from domainbert.pipeline.choose import load_registry

HARBOUR = (
    "This report has forward-looking statements within the meaning of the Private Securities "
    "Litigation Reform Act of 1995."
)


def cleaned(text: str) -> tuple[str, dict[str, int]]:
    load_registry(())
    counts: dict = {}
    steps = find_steps(["filing-boilerplate"])
    (found,) = run_steps([Document("1", text, "a:1")], steps, counts)
    return found.text, counts["filing-boilerplate"].reasons


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("The accompanying notes are an integral part of these statements.", "references_to_notes"),
        ("See accompanying notes.", "references_to_notes"),
        ("See notes to consolidated financial statements.", "references_to_notes"),
        ("NOTES TO CONSOLIDATED FINANCIAL STATEMENTS - (Continued)", "page_headings"),
        ("Table of Contents", "page_headings"),
        (HARBOUR, "safe_harbours"),
        ("The Private Securities Litigation Reform Act protects forward-looking statements.",
         "safe_harbours"),
    ],
)  # fmt: skip
def test_lines_that_every_filing_has_are_taken_out(line: str, name: str) -> None:
    assert cleaned(f"Sales rose.\n{line}\nCosts fell.") == ("Sales rose.\nCosts fell.", {name: 1})
    assert cleaned(f"Sales rose.\n{line}") == ("Sales rose.", {name: 1})


@pytest.mark.parametrize(
    "text",
    ["See note 7 for the sale of the plant.", "Forward-looking statements are many.",
     "The table of contents was long.", "Notes are due in 2030."],
)  # fmt: skip
def test_prose_stays(text: str) -> None:
    assert cleaned(text) == (text, {})

from __future__ import annotations

import pytest

from domainbert import Document
from domainbert.corpus.steps import find_steps, run_steps
from domainbert.pipeline.choose import load_registry


def cleaned(text: str) -> tuple[str, dict[str, int]]:
    load_registry(())
    counts: dict = {}
    steps = find_steps(["patent-boilerplate"])
    (found,) = run_steps([Document("1", text, "a:1")], steps, counts)
    return found.text, counts["patent-boilerplate"].reasons


@pytest.mark.parametrize(
    ("lines", "name"),
    [
        ("What is claimed is:", "claim_openings"),
        ("I claim:", "claim_openings"),
        ("The invention claimed is:", "claim_openings"),
        ("CROSS-REFERENCE TO RELATED APPLICATIONS\nThis application is a continuation of another.",
         "related_applications"),
        (("This invention was made with government support under a grant. The government has "
         "certain rights in the invention."), "government_rights"),
    ],
)  # fmt: skip
def test_lines_that_every_patent_has_are_taken_out(lines: str, name: str) -> None:
    assert cleaned(f"A pump.\n{lines}\nA valve.") == ("A pump.\nA valve.", {name: 1})
    assert cleaned(f"A pump.\n{lines}") == ("A pump.", {name: 1})


@pytest.mark.parametrize(
    "text",
    ["1. A pump as claimed in claim 2.", "We claim that it pumps.", "The government bought it."],
)
def test_text_of_the_invention_stays(text: str) -> None:
    assert cleaned(text) == (text, {})

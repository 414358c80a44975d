"""Pages and docstrings avoid some expressions; sentences of pages have at most 25 words."""

from __future__ import annotations

from pathlib import Path

import pytest
from structure.english import ROOT, avoided, in_module, in_page, modules, pages, wrong

# Files that are not yet rewritten, one path per line; `python tests/structure/english.py` says why.
TO_FIX = set((Path(__file__).parent / "english_to_fix.txt").read_text("utf-8").split())


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", pages(), ids=name_of)
def test_pages_are_plain(path: Path) -> None:
    assert wrong(path) == []


def test_docstrings_and_messages_are_plain() -> None:
    assert {name_of(p): wrong(p) for p in modules() if name_of(p) not in TO_FIX and wrong(p)} == {}


@pytest.mark.parametrize(
    "text",
    [
        "The user is told.", "Begins anew.", "A list of its own.", "Each by itself.", "As it came.",
        "It stands in train.", "What is chosen.", "One class a record.", "56 bytes a document.",
        "After so many steps.", "The headline.", "hidden tokens restored",
    ],
)  # fmt: skip
def test_avoided_expressions_are_seen(text: str) -> None:
    assert len(avoided(text)) == 1
    assert len(in_module(f"x = '{text}'")) == 1


def test_code_and_tables_are_no_sentences() -> None:
    words = "word " * 26
    assert (
        in_page(f"```text\nis told {words}\n```\n\n| {words} |\n|---|\n\n# {words}\n\n`anew`\n")
        == []
    )
    assert len(in_page(f"- A {words}.\n- Short.")) == 1

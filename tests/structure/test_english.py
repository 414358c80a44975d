"""Pages and docstrings avoid some expressions; sentences of pages have at most 25 words."""

from __future__ import annotations

from pathlib import Path

import pytest
from structure.english import ROOT, modules, pages, wrong


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", pages(), ids=name_of)
def test_pages_are_plain(path: Path) -> None:
    assert wrong(path) == []


def test_docstrings_and_messages_are_plain() -> None:
    assert {name_of(p): wrong(p) for p in modules() if wrong(p)} == {}

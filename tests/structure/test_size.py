"""The size of core and tests stays within limits, and the tests mirror the folders of the core."""

from __future__ import annotations

from pathlib import Path

from structure.count import CORE, TESTS, code_lines, total

# The limits of the design, which had 9,500 lines after the redesign; a capability that came later
# states in the changelog's release how many it added.
CORE_LINES = 21_203
RECORDS = 130
TEST_LINES_PER_CORE_LINE = 1.1

# Folders of tests that belong to no folder of the core.
ACROSS = {"docs", "extending", "golden", "helpers", "integration", "structure"}


def folders(root: Path, files: str) -> set[str]:
    found = {path.parent.relative_to(root).as_posix() for path in root.rglob(files)}
    return {name for name in found if name != "." and "scaffold/" not in name}


def test_core_has_at_most_its_lines_and_records() -> None:
    lines, number = total(CORE)
    assert lines <= CORE_LINES
    assert number <= RECORDS


def test_tests_have_at_most_their_share_of_lines() -> None:
    assert total(TESTS)[0] <= TEST_LINES_PER_CORE_LINE * total(CORE)[0]


def test_folders_of_tests_are_folders_of_core() -> None:
    tested = {name for name in folders(TESTS, "test_*.py") if name.split("/")[0] not in ACROSS}
    assert tested - folders(CORE, "*.py") == set()


def test_every_folder_of_core_has_tests() -> None:
    tops = {name for name in folders(CORE, "*.py") if "/" not in name}
    assert tops - {name.split("/")[0] for name in folders(TESTS, "test_*.py")} == set()


def test_lines_without_code_do_not_count() -> None:
    text = '"""Text\nof two."""\n\n# comment\nx = """a\nb"""  # comment\n\ndef f():\n    "doc"\n'
    assert code_lines(text) == 3

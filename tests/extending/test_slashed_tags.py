"""A task reader of a plugin: found by suffix or by `format:`, with remarks."""

from __future__ import annotations

from pathlib import Path

import pytest

from domainbert.errors import DataError
from domainbert.plugin.records import Sentence
from domainbert.recipe.tasks import TaskSection
from domainbert.tasks.load import load_task

TEXT = "The/O pump/S-PART leaks/O\n\nSeals/B-PART and/or/O valves/B-PART\n"


@pytest.mark.parametrize(("name", "given"), [("a.tagged", {}), ("a.txt", {"format": "slashed"})])
def test_a_line_is_a_sentence_in_any_scheme(
    tmp_path: Path, name: str, given: dict[str, str]
) -> None:
    (tmp_path / name).write_text(TEXT)
    files = dict.fromkeys(("train", "validation", "test"), name)
    section = TaskSection.model_validate({"name": "a", "kind": "tagging", **files, **given})
    loaded = load_task(section, None, tmp_path)
    assert loaded.splits["test"] == (
        Sentence(("The", "pump", "leaks"), ("O", "B-PART", "O")),
        Sentence(("Seals", "and/or", "valves"), ("B-PART", "O", "B-PART")),
    )
    assert loaded.counts["blank_lines"] == 3


def test_a_wrong_line_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.tagged").write_text("The/O pump\n")
    files = dict.fromkeys(("train", "validation", "test"), "a.tagged")
    section = TaskSection.model_validate({"name": "a", "kind": "tagging", **files})
    with pytest.raises(DataError, match=r"a\.tagged:1: expected WORD/TAG, found 'The/O pump'"):
        load_task(section, None, tmp_path)

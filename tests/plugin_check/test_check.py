from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from domainbert.plugin.registry import load_plugins
from domainbert.plugin_check import runs
from domainbert.plugin_check.check import CHECKS, find_plugin, subjects_of
from domainbert.plugin_check.subject import Subject
from domainbert.testing import assert_domain, check_domain


def test_every_check_of_a_single_file_in_order(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "run", lambda _subject, _data: "")
    file = folder / "knots.py"
    domain = load_plugins([file]).domain("knots")
    found = check_domain(domain, file)
    assert [item.line for item in found if not item.ok] == []
    assert [item.name for item in found] == list(CHECKS)
    bad = replace(domain, title="", corpora=(), tasks=(), recipes=None, default_recipe="knots/none")
    with pytest.raises(AssertionError) as caught:
        assert_domain(bad, file)
    assert re.findall(r"(?m)^FAIL  (\w+)", str(caught.value)) == ["names", "recipes"]


def test_plugins_are_found_by_every_name_they_have(
    planted: Callable[..., Subject], folder: Path
) -> None:
    planted("domainbert-ropes", "ropes")
    file = folder / "cords.py"
    file.write_text((folder / "knots.py").read_text().replace('name="knots"', 'name="ties"'))
    registry = load_plugins([file])
    for name in ("ropes", "domainbert-ropes", "knots"):
        assert find_plugin(name, registry).name == "ropes"
    for name in ("ties", "cords", str(file)):
        assert find_plugin(name, registry).name == str(file)


ADDING = """
    import pathlib
    import domainbert

    SPLITS = {split: pathlib.Path(split) for split in ("train", "validation", "test")}

    @domainbert.hookimpl
    def domainbert_tasks():
        yield "knots", domainbert.Task("one", "T", "tagging", "MIT", "here", "1", SPLITS, ("E",))
"""


def test_added_tasks_are_checked_with_the_plugin_that_adds_them(
    planted: Callable[..., Subject], shelf: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted("fake-knots")
    shelf.add("fake-cords", ADDING)
    monkeypatch.setenv("DOMAINBERT_PLUGINS", "fake-knots,fake-cords")
    registry = load_plugins()

    def shapes(name: str) -> list[tuple[str, list[str]]]:
        subjects = subjects_of(find_plugin(name, registry), registry)
        return [(s.domain.name, [t.name for t in s.domain.tasks]) for s in subjects]

    assert shapes("fake-cords") == [("knots", ["one"])]
    assert shapes("fake-knots") == [("knots", [])]

from __future__ import annotations

import textwrap
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from domainbert.errors import PluginError
from domainbert.plugin.registry import load_plugins
from domainbert.plugin_check import runs
from domainbert.plugin_check.check import CHECKS, check_plugin, find_plugin, subjects_of
from domainbert.plugin_check.subject import Outcome, Subject, outcome
from domainbert.testing import assert_domain, check_domain


def test_problems_become_one_line_and_each_fix_is_shown_once() -> None:
    def check(number: int) -> Any:
        yield from ((f"p{n}\nx", "fix a" if n < 2 else "fix b") for n in range(number))
        return "fine"

    wrong = outcome("x", check(5))
    assert wrong == Outcome("x", False, "p0 x; p1 x; p2 x; and 2 more", "fix a; fix b")
    assert wrong.line == "FAIL  x: p0 x; p1 x; p2 x; and 2 more  → fix a; fix b"
    assert outcome("x", check(0)).line == "ok    x: fine"


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
    first, *lines = str(caught.value).splitlines()
    assert first == "domain 'knots':"
    assert [line.split(":")[0] for line in lines] == ["FAIL  names", "FAIL  recipes"]


def test_plugins_are_found_by_every_name_they_have(
    planted: Callable[..., Subject], folder: Path
) -> None:
    planted("domainbert-ropes", "ropes")
    file = folder / "cords.py"
    file.write_text((folder / "knots.py").read_text().replace('name="knots"', 'name="ties"'))
    registry = load_plugins([file])
    for names, expected in (
        (("ropes", "domainbert-ropes", "knots"), "ropes"),
        (("ties", "cords", str(file)), str(file)),
    ):
        assert {find_plugin(name, registry).name for name in names} == {expected}
    with pytest.raises(PluginError, match=r"^Unknown plugin 'rope'\. Did you mean 'ropes'\? Ins"):
        find_plugin("rope", registry)


ADDING = """
    import pathlib
    import domainbert

    SPLITS = {split: pathlib.Path(split) for split in ("train", "validation", "test")}

    @domainbert.hookimpl
    def domainbert_domains():
        yield domainbert.Domain(name="cords", title="Cords")

    @domainbert.hookimpl
    def domainbert_tasks():
        for name in ("one", "two"):
            yield "knots", domainbert.Task(
                name, "T", "tagging", "CC0-1.0", "here", "1", SPLITS, ("Entity",)
            )
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

    assert shapes("fake-cords") == [("cords", []), ("knots", ["one", "two"])]
    assert shapes("fake-knots") == [("knots", [])]


def test_a_plugin_of_components_alone_is_checked(bare_environment: None, tmp_path: Path) -> None:
    file = tmp_path / "steps.py"
    file.write_text(
        textwrap.dedent("""
        import domainbert

        @domainbert.hookimpl
        def domainbert_components():
            yield domainbert.CorpusStep("keep", lambda documents, counts: documents)
        """)
    )
    registry = load_plugins([file])
    found = list(check_plugin(find_plugin("steps", registry), registry))
    assert [item.line for _, item in found if not item.ok] == []
    assert "ok    components: 1 component, steps run on samples" in [item.line for _, item in found]

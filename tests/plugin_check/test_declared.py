from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from domainbert import DataFile, Domain
from domainbert.plugin.registry import Registry
from domainbert.plugin_check.declared import (
    check_files,
    check_licences,
    check_names,
    check_requirement,
)
from domainbert.plugin_check.subject import Subject

NEVER = DataFile("0123456789abcdef" * 4, 7, "away.txt", "https://example.org/away.txt")


def changed(domain: Domain, record: str, **changes: Any) -> Subject:
    """Change the corpus or the task of a domain."""
    return Subject(
        replace(domain, **{record: (replace(getattr(domain, record)[0], **changes),)}), Registry(())
    )


def test_a_good_declaration_passes(domain: Domain, folder: Path) -> None:
    subject = Subject(domain, Registry(()), folder=folder)
    assert [check(subject).line for check in (check_names, check_licences, check_files)] == [
        "ok    names: 3 names with titles",
        "ok    licences: 3 licences with origins",
        "ok    hashes: 0 declared files, 5 in the package",
    ]


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"title": " "}, "title ' '"),
        ({"title": "two\nlines"}, r"title 'two\nlines'"),
        ({"kind": "parsing"}, "kind 'parsing'"),
        ({"version": ""}, "no version"),
        ({"labels": ("A", "B", "A")}, "label ['A'] twice"),
        ({"labels": ("A|B",)}, "a label is blank or has '|' in it"),
        ({"multi_label": True}, "multi_label and levels are for classification"),
        (
            {"kind": "classification", "multi_label": True, "levels": {"section": 0}},
            "levels {'section': 0}",
        ),
    ],
)
def test_names_and_shape(changes: dict[str, Any], what: str, domain: Domain) -> None:
    assert check_names(changed(domain, "tasks", **changes)).what == f"task 'knot-names': {what}"


@pytest.mark.parametrize(
    ("licence", "ok"),
    [
        ("CC0-1.0", True),
        ("LicenseRef-Own", True),
        ("Public domain, a work of the government", True),
        (" ", False),
        ("unknown", False),
    ],
)
def test_licences_are_identifiers_or_sentences(licence: str, ok: bool, domain: Domain) -> None:
    found = check_licences(changed(domain, "corpora", licence=licence))
    assert (found.ok, "SPDX" in found.fix) == (ok, not ok)


def test_origins_are_wanted(domain: Domain) -> None:
    found = check_licences(changed(domain, "tasks", origin=" "))
    assert found.what == "task 'knot-names': no origin"


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"size": 0}, "has size 0"),
        ({"sha256": "0" * 64}, "has sha256 00000000…"),
        ({"url": "ftp://example.org/x"}, "has no web address"),
        ({"url": "https:///x"}, "has no web address"),
        ({"url": "https://me:secret@example.org/x"}, "has a password in its address"),
    ],
)
def test_declared_files(changes: dict[str, Any], what: str, domain: Domain) -> None:
    found = check_files(changed(domain, "corpora", files=(replace(NEVER, **changes),)))
    assert found.what == f"corpus 'notes': away.txt {what}"
    assert "secret@" not in found.line


def test_packaged_files_exist_and_are_inside(domain: Domain, folder: Path) -> None:
    away, lost = folder.parent / "away.txt", folder / "lost.txt"
    away.write_text("x")
    for path, what in ((lost, f"no file {lost}"), (away, f"{away} is outside of the plugin")):
        subject = replace(changed(domain, "corpora", files=(path,)), folder=folder)
        assert check_files(subject).what == f"corpus 'notes': {what}"
    bare = Subject(replace(domain, recipes=lost), Registry(()))
    assert check_files(bare).what == f"recipes: no folder {lost}"


def test_names_of_entry_point_and_distribution(planted: Callable[..., Subject]) -> None:
    found = check_names(planted("ropes", "cords"))
    assert found.what == "entry point 'cords' provides knots; distribution 'ropes'"
    assert "name the entry point 'knots'" in found.fix
    assert "name it 'domainbert-knots'" in found.fix


@pytest.mark.parametrize(
    ("requires", "line"),
    [
        (("numpy", "domainbert>=0.1,<0.2"), "ok    requires: domainbert<0.2,>=0.1"),
        (("domainbert>=0.1",), "FAIL  requires: domainbert-knots requires 'domainbert>=0.1', wi"),
        (("domainbert-x<1", "?"), "FAIL  requires: domainbert-knots does not require domainbert "),
    ],
)
def test_the_requirement_has_an_upper_bound(
    requires: tuple[str, ...], line: str, planted: Callable[..., Subject]
) -> None:
    assert check_requirement(planted(requires=requires)).line.startswith(line)


def test_the_distribution_states_a_licence(planted: Callable[..., Subject], shelf: Any) -> None:
    subject = planted()
    assert check_licences(subject).what == "distribution 'domainbert-knots': no licence"
    (path,) = shelf.folder.glob("*.dist-info/METADATA")
    path.write_text(path.read_text() + "License-Expression: MIT\n")
    assert check_licences(subject).ok

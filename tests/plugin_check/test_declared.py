from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers.checks import checked, lines

from domainbert import DataFile, Domain
from domainbert.plugin_check.declared import TEMPLATE, check_template
from domainbert.plugin_check.subject import Subject, outcome

NEVER = DataFile("0123456789abcdef" * 4, 7, "away.txt", "https://example.org/away.txt")


def changed(domain: Domain, record: str, **changes: Any) -> Domain:
    """Change the corpus or the task of a domain."""
    return replace(domain, **{record: (replace(getattr(domain, record)[0], **changes),)})


def test_a_good_declaration_passes(domain: Domain) -> None:
    assert lines(domain, "names", "licences", "files", "template") == [
        "ok    names: 3 names with titles",
        "ok    licences: 3 licences with origins",
        "ok    files: 0 declared files, 5 in the package",
        "ok    template: no text of the template",
    ]


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"kind": "wood"}, "no TaskKind 'wood'. Known: "),
        ({"labels": ("A", "B", "A")}, "task 'knot-names': a label is blank, doubled, or has '|'"),
        ({"multi_label": True}, "task 'knot-names': multi_label and levels are for classification"),
    ],
)
def test_names_and_shape(changes: dict[str, Any], what: str, domain: Domain) -> None:
    (found,) = checked(changed(domain, "tasks", **changes), "names")
    assert (found.ok, found.what[: len(what)]) == (False, what)


@pytest.mark.parametrize(
    ("licence", "ok"),
    [("CC0-1.0", True), ("unknown", False), ("Public domain, a work of the government", True)],
)
def test_licences_are_identifiers_or_sentences(licence: str, ok: bool, domain: Domain) -> None:
    (found,) = checked(changed(domain, "corpora", licence=licence), "licences")
    assert (found.ok, "SPDX" in found.fix) == (ok, not ok)


@pytest.mark.parametrize(
    ("licence", "shown"),
    [
        ("CC0-1.0", ""),
        ("Not stated by its publisher", "; not stated: corpus 'notes'"),
        (
            "CC BY-NC-SA 3.0",
            "; non-commercial use: corpus 'notes'; share alike: corpus 'notes'",
        ),
    ],
)
def test_licences_that_restrict_are_shown(licence: str, shown: str, domain: Domain) -> None:
    (found,) = checked(changed(domain, "corpora", licence=licence), "licences")
    assert (found.ok, found.what) == (True, f"3 licences with origins{shown}")


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"size": 0}, "has size 0"),
        ({"sha256": "0" * 64}, "has sha256 00000000…"),
        ({"url": "https://me:secret@example.org/x"}, "has no plain web address"),
    ],
)
def test_declared_files(changes: dict[str, Any], what: str, domain: Domain) -> None:
    (found,) = checked(changed(domain, "corpora", files=(replace(NEVER, **changes),)), "files")
    assert found.what == f"corpus 'notes': away.txt {what}"
    assert "secret" not in found.line


def test_packaged_files_exist(domain: Domain, folder: Path) -> None:
    lost = folder / "lost.txt"
    bad = replace(changed(domain, "corpora", files=(lost,)), recipes=lost)
    (found,) = checked(bad, "files")
    assert found.what == f"corpus 'notes': no file {lost}; recipes: no folder {lost}"


@pytest.mark.parametrize(
    ("requires", "what"),
    [
        (("numpy", "domainbert>=0.1,<0.2"), ""),
        (("domainbert>=0.1",), "; ropes requires domainbert>=0.1, without upper bound"),
    ],
)
def test_names_and_requirement_of_the_distribution(
    requires: tuple[str, ...], what: str, planted: Callable[..., Subject]
) -> None:
    (found,) = checked(planted("ropes", "cords", requires=requires), "names")
    assert found.what == "entry point 'cords' provides knots; distribution 'ropes'" + what


def test_the_distribution_states_a_licence(planted: Callable[..., Subject], shelf: Any) -> None:
    subject = planted()
    assert checked(subject, "licences")[0].what == "distribution 'domainbert-knots': no licence"
    (path,) = shelf.folder.glob("*.dist-info/METADATA")
    path.write_text(path.read_text() + "License-Expression: MIT\n")
    assert checked(subject, "licences")[0].ok


SAMPLE = TEMPLATE / "sample" / "parts"
WRITTEN = "Written for the plugin template of domainbert"


def test_placeholders_of_the_template_are_named(domain: Domain) -> None:
    splits = {split: SAMPLE / f"{split}.tsv" for split in ("train", "validation", "test")}
    left = changed(domain, "tasks", splits=splits, origin=WRITTEN)
    (found,) = checked(left, "template")
    told = "still placeholders: task 'knot-names'; replace them before you publish"
    assert (found.ok, found.what) == (True, told)


@pytest.mark.parametrize("changes", [{"origin": WRITTEN}, {"title": "Knots; a placeholder"}])
def test_text_of_the_template_about_other_files_is_a_fault(
    changes: dict[str, str], domain: Domain
) -> None:
    (found,) = checked(changed(domain, "tasks", **changes), "template")
    assert (found.ok, found.what.split(":")[0]) == (False, "task 'knot-names'")


def test_a_readme_of_the_template_about_no_placeholder_is_a_fault(
    planted: Callable[..., Subject], shelf: Any
) -> None:
    subject = planted()
    (path,) = shelf.folder.glob("*.dist-info/METADATA")
    path.write_text(path.read_text() + "\n**All of it is a placeholder** about a workshop.\n")
    found = outcome("template", check_template(subject))
    assert (found.ok, found.what) == (False, "README: 'All of it is a placeholder'")

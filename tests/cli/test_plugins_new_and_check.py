"""`domainbert plugins new` and `domainbert plugins check`."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Cli = Callable[..., Any]

DOMAIN = """
import domainbert

@domainbert.hookimpl
def domainbert_domains():
    yield domainbert.Domain(name="{name}", title="{title}")
"""


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


def below(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


# --- new ---------------------------------------------------------------------------------------


def test_new_writes_a_plugin_and_names_the_next_command(cli: Cli) -> None:
    outcome = cli("plugins", "new", "case-law")
    assert (outcome.code, outcome.err) == (0, "")
    *names, following = outcome.out.splitlines()
    assert names == [f"domainbert-case-law/{name}" for name in below(Path("domainbert-case-law"))]
    assert following == (
        "Next: pip install -e domainbert-case-law && domainbert plugins check case-law"
    )


def test_new_refuses_names_that_are_malformed_or_taken(cli: Cli, shelf: Any) -> None:
    shelf.add("domainbert-ropes", "raise ImportError", names=("cords",))
    shelf.add("fake-knots", DOMAIN.format(name="knots", title="Knots"))
    (shelf.folder / "domainbert_cotton.py").write_text("")
    taken = "is the name of a plugin, a domain or a folder of recipes that there is already"
    for name, reason in {
        "Case Law": "expected lower-case letters, digits and single hyphens",
        "json": "means something else in Python or here",
        **dict.fromkeys(("bio", "smoke", "ropes", "cords", "knots", "fake-knots"), taken),
        "cotton": "is taken: a module domainbert_cotton is installed",
    }.items():
        outcome = cli("plugins", "new", name)
        assert (outcome.code, outcome.out) == (2, "")
        assert outcome.err.startswith(f"error: plugin name {name!r}")
        assert reason in outcome.err
        assert below(Path()) == []


@pytest.mark.parametrize(
    ("target", "error"),
    [
        ("a-file", "a-file: exists already; name another folder with -o."),
        ("a-file/plugin", "a-file: cannot be written: File exists. Nothing was half-written"),
        ("full", "full: cannot be written: Permission denied. Nothing was half-written"),
    ],
)
def test_new_overwrites_nothing_and_leaves_nothing_half_written(
    target: str, error: str, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Path.write_bytes

    def fails_at_the_end(path: Path, content: bytes) -> int:
        if path.name == "test_domain.py":
            raise PermissionError(13, "Permission denied")
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", fails_at_the_end)
    Path("a-file").write_text("mine")
    Path("a-link").symlink_to("nowhere")
    outcome = cli("plugins", "new", "case-law", "-o", target)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith(f"error: {error}")
    assert sorted(path.name for path in Path().iterdir()) == ["a-file", "a-link"]


# --- check -------------------------------------------------------------------------------------


def install(cli: Cli, shelf: Any) -> Path:
    """Write a plugin and put it on the shelf; return its package."""
    assert cli("plugins", "new", "case-law", "-o", "made").code == 0
    package = shelf.folder / "domainbert_case_law"
    shelf.add("domainbert-case-law", "", requires=("domainbert>=0.1,<0.2",), names=("case-law",))
    package.with_suffix(".py").unlink()
    shutil.copytree(Path("made") / "domainbert_case_law", package)
    shelf.modules.extend(f"domainbert_case_law{end}" for end in ("", ".domain", ".read"))
    (path,) = shelf.folder.glob("*.dist-info/METADATA")
    path.write_text(path.read_text() + "License-Expression: Apache-2.0 AND CC0-1.0\n")
    return package


def test_faults_are_reported_with_their_fixes_and_exit_code_1(
    cli: Cli, shelf: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The tests of the tutorial and of the wheel run it.
    monkeypatch.setattr("domainbert.plugin_check.runs.run", lambda _subject, _data: "no luck")
    package = install(cli, shelf)
    (package / "sample" / "corpus.jsonl").write_text("{")
    (package / "terms.txt").write_text("chain\nchain\n")
    parts = package / "sample" / "parts"
    shutil.copy(parts / "train.tsv", parts / "test.tsv")
    outcome = cli("plugins", "check", "case-law")
    assert (outcome.code, outcome.err) == (1, "")
    *lines, total = outcome.out.splitlines()
    assert total == "5 of 13 checks failed."
    assert lines[:2] == [
        "ok    loads: domainbert-case-law 1.2.3 provides case-law", "domain case-law:"
    ]  # fmt: skip
    template, samples, splits, terms, runs = (line for line in lines if line.startswith("FAIL  "))
    # The text of the template says what the changed files are not.
    assert template.startswith("FAIL  template: corpus 'sample': ")
    assert samples.startswith("FAIL  samples: corpus 'sample': ")
    assert "38 texts of test are in train too" in splits
    assert terms == "FAIL  terms: terms.txt:2: 'chain' is in line 1 too  → keep one of them"
    assert runs.startswith("FAIL  runs: no luck  → run a recipe: `domainbert adapt RECIPE --set")

"""`domainbert plugins new` and `domainbert plugins check`."""

from __future__ import annotations

import json
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


def test_new_writes_a_plugin_and_names_the_next_command(cli: Cli, tmp_path: Path) -> None:
    outcome = cli("plugins", "new", "case-law")
    assert (outcome.code, outcome.err) == (0, "")
    *names, following = outcome.out.splitlines()
    assert names == [f"domainbert-case-law/{name}" for name in below(Path("domainbert-case-law"))]
    assert following == (
        "Next: pip install -e domainbert-case-law && domainbert plugins check case-law"
    )
    target = tmp_path / "deep" / "down"
    outcome = cli("plugins", "new", "case-law", "-o", target, "--licence", "MIT", "--json")
    assert json.loads(outcome.out) == {
        "field": "case-law",
        "distribution": "domainbert-case-law",
        "package": "domainbert_case_law",
        "folder": str(target),
        "files": below(target),
    }
    assert (target / "LICENSE").read_text().startswith("MIT License\n")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Case Law", "expected lower-case letters, digits and single hyphens"),
        ("", "expected lower-case letters, digits and single hyphens"),
        ("json", "means something else in Python or here"),
        ("bio", "is the name of a plugin, a domain or a folder of recipes that there is already"),
        ("smoke", "is the name of a plugin, a domain or a folder of recipes that there is already"),
    ],
)
def test_new_refuses_names(name: str, reason: str, cli: Cli) -> None:
    outcome = cli("plugins", "new", name)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith(f"error: plugin name {name!r}")
    assert reason in outcome.err
    assert below(Path()) == []


def test_new_refuses_names_of_installed_plugins_also_of_broken_ones(cli: Cli, shelf: Any) -> None:
    shelf.add("domainbert-ropes", "raise ImportError", names=("cords",))
    shelf.add("fake-knots", DOMAIN.format(name="knots", title="Knots"))
    for name in ("ropes", "cords", "knots", "fake-knots"):
        outcome = cli("plugins", "new", name)
        assert outcome.code == 2
        assert "that there is already" in outcome.err
    shelf.add("domainbert-twine", "", names=())
    (shelf.folder / "domainbert_cotton.py").write_text("")
    assert "module domainbert_cotton is installed" in cli("plugins", "new", "cotton").err


@pytest.mark.parametrize(
    ("target", "error"),
    [
        ("a-file", "a-file: exists already; name another folder with -o."),
        ("a-link", "a-link: exists already; name another folder with -o."),
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

CHECKS = [
    "loads", "names", "requires", "licences", "hashes", "imports", "network", "samples", "splits",
    "labels", "terms", "scores", "recipes", "runs",
]  # fmt: skip


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


def test_a_new_plugin_passes_every_check(
    cli: Cli, shelf: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(cli, shelf)
    # For real it is run by the test of the tutorial, and by that of the wheel.
    monkeypatch.setattr(
        "domainbert.plugin_check.recipes.run",
        lambda subject, recipes, folder: dict.fromkeys(recipes, ""),
    )
    outcome = cli("plugins", "check", "case-law")
    assert (outcome.code, outcome.err) == (0, "")
    *lines, following = outcome.out.splitlines()
    assert following == "Next: domainbert recipes list"
    assert [line.split(":")[0] for line in lines] == [f"ok    {name}" for name in CHECKS]
    assert lines[0] == "ok    loads: domainbert-case-law 1.2.3 provides case-law"
    assert lines[-1] == "ok    runs: case-law/quickstart: adapted and evaluated in miniature"


def test_faults_are_told_with_their_fixes_and_exit_code_1(cli: Cli, shelf: Any) -> None:
    package = install(cli, shelf)
    (package / "sample" / "corpus.jsonl").write_text("{")
    (package / "terms.txt").write_text("chain\nchain\n")
    parts = package / "sample" / "parts"
    shutil.copy(parts / "train.tsv", parts / "test.tsv")
    outcome = cli("plugins", "check", "case-law")
    assert (outcome.code, outcome.err) == (1, "")
    *lines, total = outcome.out.splitlines()
    assert total == "4 of 14 checks failed."
    wrong = [line for line in lines if line.startswith("FAIL  ")]
    assert [line.split(":")[0] for line in wrong] == [
        "FAIL  samples", "FAIL  splits", "FAIL  terms", "FAIL  runs",
    ]  # fmt: skip
    assert all(line.count("  → ") == 1 for line in wrong)
    assert "38 texts of test are in train too  → keep each in one split" in wrong[1]
    assert wrong[3].startswith("FAIL  runs: case-law/quickstart: ")
    assert "corpus.jsonl:1: expected an object with 'id' and 'text'" in wrong[3]
    assert wrong[3].endswith("  → run it: `domainbert adapt RECIPE --set train.steps=2`")
    assert wrong[2].startswith("FAIL  terms: terms.txt:2: 'chain' is in line 1 too  → keep one")


def test_check_as_json(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "knots.py"
    path.write_text(DOMAIN.format(name="knots", title=""))
    outcome = cli("plugins", "check", "knots", "--plugin", path, "--json")
    assert (outcome.code, outcome.err) == (1, "")
    rows = json.loads(outcome.out)
    assert rows[0] == {
        "domain": "", "name": "loads", "ok": True, "what": "file provides knots", "fix": "",
    }  # fmt: skip
    assert rows[1] == {
        "domain": "knots",
        "name": "names",
        "ok": False,
        "what": "domain 'knots': title ''",
        "fix": "give a title of one line",
    }
    assert [row["name"] for row in rows] == [name for name in CHECKS if name != "requires"]
    assert [row["name"] for row in rows if not row["ok"]] == ["names"]


COMPONENTS = """
import domainbert

@domainbert.hookimpl
def domainbert_components():
    yield domainbert.CorpusStep("keep", lambda documents, counts: documents)
"""


def test_plugins_and_components_are_listed_with_their_reasons(cli: Cli, shelf: Any) -> None:
    shelf.add("fake-a", COMPONENTS)
    shelf.add("fake-b", "import no_such")
    listed = {info["name"]: info for info in json.loads(cli("plugins", "list", "--json").out)}
    assert listed["fake-a"]["components"] == {"CorpusStep": ["keep"]}
    assert listed["fake-b"]["status"] == "broken"
    outcome = cli("plugins", "check", "fake-b")
    line, total = outcome.out.splitlines()
    assert (outcome.code, total) == (1, "1 of 1 checks failed.")
    assert line == (
        "FAIL  loads: fake-b 1.2.3 is broken: ModuleNotFoundError: No module named 'no_such'  → "
        "put right what it says; see docs/reference/hooks.md for the hooks"
    )


def test_listing_imports_nothing_heavy(python: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "step.py").write_text(COMPONENTS)
    code = (
        "import sys; from domainbert.cli.app import app; "
        f"app(['plugins', 'list', '--plugin', {str(tmp_path / 'step.py')!r}], "
        "standalone_mode=False); "
        "print({'numpy', 'torch', 'transformers', 'pyarrow'} & set(sys.modules))"
    )
    outcome = python("-c", code)
    assert outcome.out.splitlines()[-1] == "set()", outcome

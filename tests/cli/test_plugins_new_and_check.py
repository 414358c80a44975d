"""`domainbert plugins new` and `domainbert plugins check`."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Cli = Callable[..., Any]

FILES = [
    ".github/workflows/test.yml",
    ".gitignore",
    "LICENSE",
    "README.md",
    "domainbert_case_law/__init__.py",
    "domainbert_case_law/domain.py",
    "domainbert_case_law/py.typed",
    "domainbert_case_law/read.py",
    "domainbert_case_law/recipes/quickstart.yaml",
    "domainbert_case_law/sample/README.md",
    "domainbert_case_law/sample/corpus.jsonl",
    "domainbert_case_law/sample/parts/test.tsv",
    "domainbert_case_law/sample/parts/train.tsv",
    "domainbert_case_law/sample/parts/validation.tsv",
    "domainbert_case_law/terms.txt",
    "pyproject.toml",
    "tests/test_domain.py",
]
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
    assert outcome.out.splitlines() == [
        *(f"domainbert-case-law/{name}" for name in FILES),
        "Next: pip install -e domainbert-case-law && domainbert plugins check case-law",
    ]
    assert below(Path("domainbert-case-law")) == FILES


def test_new_as_json_in_another_folder_with_another_licence(cli: Cli, tmp_path: Path) -> None:
    target = tmp_path / "deep" / "down"
    outcome = cli("plugins", "new", "case-law", "-o", target, "--licence", "MIT", "--json")
    assert (outcome.code, outcome.err) == (0, "")
    assert json.loads(outcome.out) == {
        "field": "case-law",
        "distribution": "domainbert-case-law",
        "package": "domainbert_case_law",
        "folder": str(target),
        "files": FILES,
    }
    assert below(target) == FILES
    assert (target / "LICENSE").read_text().startswith("MIT License\n")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Case Law", "expected lower-case letters, digits and single hyphens"),
        ("case_law", "expected lower-case letters, digits and single hyphens"),
        ("../law", "expected lower-case letters, digits and single hyphens"),
        ("1law", "expected lower-case letters, digits and single hyphens"),
        ("", "expected lower-case letters, digits and single hyphens"),
        ("l" * 65, "at most 64 characters"),
        ("json", "means something else in Python or here"),
        ("tests", "means something else in Python or here"),
        ("domainbert", "means something else in Python or here"),
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


@pytest.mark.parametrize("kind", ["file", "folder", "link"])
def test_new_overwrites_nothing(kind: str, cli: Cli) -> None:
    target = Path("domainbert-case-law")
    if kind == "file":
        target.write_text("mine")
    elif kind == "folder":
        target.mkdir()
    else:
        target.symlink_to("nowhere")
    outcome = cli("plugins", "new", "case-law")
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err == (
        "error: domainbert-case-law: exists already; name another folder with -o.\n"
    )
    assert [path.name for path in Path().iterdir()] == ["domainbert-case-law"]


def test_new_knows_two_licences(cli: Cli) -> None:
    outcome = cli("plugins", "new", "case-law", "--licence", "GPL-3.0-only")
    assert outcome.code == 2
    assert outcome.err == (
        "error: --licence GPL-3.0-only: no text of it here; have Apache-2.0, MIT.\n"
    )


def test_new_leaves_nothing_half_written(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    write, written = Path.write_bytes, []

    def fails_at_the_end(path: Path, content: bytes) -> int:
        written.append(path)
        if len(written) == len(FILES):
            raise PermissionError(13, "Permission denied")
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", fails_at_the_end)
    outcome = cli("plugins", "new", "case-law")
    assert outcome.code == 2
    assert outcome.err == (
        "error: domainbert-case-law: cannot be written: Permission denied. Nothing was "
        "half-written and what stood before is whole: put right the path, its permissions or the "
        "device and run the same command again.\n"
    )
    assert len(written) == len(FILES)
    assert list(Path().iterdir()) == []


def test_new_in_a_place_that_cannot_be_written(cli: Cli) -> None:
    Path("file").write_text("")
    outcome = cli("plugins", "new", "case-law", "-o", "file/plugin")
    assert outcome.code == 2
    assert outcome.err == (
        "error: file: cannot be written: File exists. Nothing was half-written and what stood "
        "before is whole: put right the path, its permissions or the device and run the same "
        "command again.\n"
    )


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


def test_a_file_that_passes_is_told_how_to_go_on(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "knots.py"
    path.write_text(DOMAIN.format(name="knots", title="Knots"))
    outcome = cli("plugins", "check", "knots", "--plugin", path)
    assert outcome.code == 0
    assert outcome.out.splitlines()[-1] == f"Next: domainbert recipes list --plugin {path}"


def test_an_unknown_plugin_is_exit_code_2(cli: Cli) -> None:
    outcome = cli("plugins", "check", "none")
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith("error: Unknown plugin 'none'. Installed: ")


@pytest.mark.parametrize(
    ("source", "requires", "line"),
    [
        ("import no_such", (), "is broken: ModuleNotFoundError: No module named 'no_such'  → put "),
        ("raise SystemExit(9)", (), "is broken: SystemExit: 9  → put right what it says"),
        (DOMAIN.replace("_domains", "_domain"), (), "is broken: PluginValidationError: "),
        ("", ("domainbert<0.1",), "is incompatible: needs domainbert<0.1, this is "),
    ],
)
def test_a_plugin_that_is_not_usable_fails_its_only_check(
    source: str, requires: tuple[str, ...], line: str, cli: Cli, shelf: Any
) -> None:
    shelf.add("fake-a", source, requires=requires)
    outcome = cli("plugins", "check", "fake-a")
    assert (outcome.code, outcome.err) == (1, "")
    first, total = outcome.out.splitlines()
    assert first.startswith(f"FAIL  loads: fake-a 1.2.3 {line}")
    assert total == "1 of 1 checks failed."


def test_plugins_in_conflict_and_disabled_ones_fail(
    cli: Cli, shelf: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.add("fake-a", DOMAIN.format(name="knots", title="Knots"))
    shelf.add("fake-b", DOMAIN.format(name="knots", title="Knots"))
    outcome = cli("plugins", "check", "fake-a")
    assert outcome.code == 1
    assert outcome.out.splitlines()[0] == (
        "FAIL  loads: fake-a 1.2.3 is conflict: Domain 'knots' also in fake-b:fake-b  → uninstall "
        "one, or name those to load in DOMAINBERT_PLUGINS"
    )
    monkeypatch.setenv("DOMAINBERT_PLUGINS", "fake-b")
    assert (
        "is disabled: not named in DOMAINBERT_PLUGINS  → " in cli("plugins", "check", "fake-a").out
    )


def test_a_plugin_without_domains_loads_and_has_nothing_to_check(cli: Cli, shelf: Any) -> None:
    shelf.add("fake-bare", "x = 1\n")
    outcome = cli("plugins", "check", "fake-bare")
    assert (outcome.code, outcome.out.splitlines()[0]) == (
        0,
        "ok    loads: fake-bare 1.2.3 provides no domain and no task",
    )

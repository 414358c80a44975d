"""The tutorial on plugins and the page on hooks: current, and every block of them runs."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import domainbert
from domainbert.plugin import hookspecs
from domainbert.plugin.registry import component, load_plugins

ROOT = Path(__file__).parents[2]
HOOKS = ROOT / "docs" / "reference" / "hooks.md"
TUTORIAL = ROOT / "docs" / "tutorials" / "your-first-plugin.md"
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"# (\S+\.py)\n")


def blocks(page: Path, *languages: str) -> list[tuple[str, str]]:
    found = _BLOCK.findall(page.read_text(encoding="utf-8"))
    return [(language, code) for language, code in found if language in languages]


NAMES = [name for name in vars(hookspecs) if name.startswith("domainbert_")]
EXAMPLES = dict(zip(NAMES, [code for _, code in blocks(HOOKS, "python")], strict=True))


def test_the_examples_are_plugins_that_do_what_they_say(
    shelf: Any, python: Callable[..., Any]
) -> None:
    for name, code in EXAMPLES.items():
        shelf.add(f"fake-{name.partition('_')[2]}", code)
    registry = load_plugins()
    status = {info.name: info.status for info in registry.plugins}
    assert [status[f"fake-{name.partition('_')[2]}"] for name in EXAMPLES] == ["ok"] * 4
    step = component(domainbert.CorpusStep, "drop-short")
    counts: Counter[str] = Counter()
    texts = [domainbert.Document("a", "short", "x"), domainbert.Document("b", "long " * 50, "x")]
    assert [document.id for document in step.apply(texts, counts)] == ["b"]
    assert registry.domain("bio").tasks[-1].name == "my-entities"
    # Commands are added to the application for good, hence a separate process.
    outcome = python("-m", "domainbert", "hello", PYTHONPATH=str(shelf.folder))
    assert (outcome.code, outcome.out, outcome.err) == (0, "hello from a plugin\n", "")


@pytest.fixture
def shell(bare_environment: None, tmp_path: Path) -> Callable[[str], str]:
    """Run a block of the page where `pip install` reaches no further than the folder."""
    site, folder = tmp_path / "site", tmp_path / "work"
    folder.mkdir()
    paths = [str(site), *(entry for entry in sys.path if entry)]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    variables = {"PATH": path, "PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"}
    if importlib.util.find_spec("hatchling"):
        variables["PIP_NO_BUILD_ISOLATION"] = "0"  # pip reads the 0 as: no isolation

    def call(language: str, code: str) -> str:
        words = ["bash", "-euc"] if language == "bash" else [sys.executable, "-c"]
        # Not by variables: the environment in which a wheel is built would take them too.
        code = code.replace("pip install ", f"pip install --no-deps --target {site} ")
        env = {**os.environ, **variables}
        done = subprocess.run([*words, code], cwd=folder, env=env, capture_output=True, text=True)
        assert done.returncode == 0, f"{code}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    return call


@pytest.mark.slow
def test_the_tutorial_goes_from_a_file_to_a_wheel(
    shell: Callable[[str, str], str], tmp_path: Path
) -> None:
    folder, said = tmp_path / "work", []
    for language, code in blocks(TUTORIAL, "bash", "python"):
        named = _FILE.match(code)
        if named:
            (folder / named[1]).write_text(code, encoding="utf-8")
        else:
            said.append(shell(language, code))
    shown = next(code for _, code in blocks(TUTORIAL, "text") if code.startswith("ok    loads"))
    assert shown in said[1]
    package = said[-1].splitlines()
    assert "ok    loads: domainbert-gardening 0.1.0 provides gardening" in package
    assert "ok    runs: sample, sample-plants: adapted and evaluated in miniature" in package

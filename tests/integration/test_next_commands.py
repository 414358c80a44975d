"""Each command that is printed for the user to go on with is run as it stands."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from structure.count import CORE

pytestmark = pytest.mark.slow

Cli = Callable[..., Any]
PLUGIN = """
import domainbert

@domainbert.hookimpl
def domainbert_domains():
    yield domainbert.Domain(name="zoo", title="Of animals")
"""


@pytest.fixture
def place(make_town: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder whose files have names that a shell would cut."""
    town = make_town()
    town.write(steps=2, save_steps=2)
    monkeypatch.chdir(town.folder)
    Path("town.yaml").rename("my town.yaml")
    Path("the zoo.py").write_text(PLUGIN, encoding="utf-8")
    yield town.folder


def all_next(cli: Cli, *words: object) -> list[list[str]]:
    """Run a command, and what it says comes next, up to one that says nothing."""
    commands = []
    while words:
        outcome = cli(*words)
        assert outcome.code == 0, (words, outcome.err)
        last = outcome.out.splitlines()[-1]
        program, *words = shlex.split(last.removeprefix("Next: ")) if "Next: " in last else [""]
        assert program in {"", "domainbert"}
        commands += [words] if words else []
    return commands


@pytest.mark.usefixtures("fresh_accelerator")
def test_from_a_recipe_to_the_leaderboard(cli: Cli, place: Path) -> None:
    run = ["--out", "my runs/it's"]
    first = cli("adapt", "my town.yaml", *run, "--until", "corpus", "--plugin", "the zoo.py")
    *_, last = first.out.splitlines()
    plugin = ["--plugin", "the zoo.py"]
    again = ["adapt", "my runs/it's", *plugin]
    assert shlex.split(last.removeprefix("Next: domainbert ")) == again
    assert all_next(cli, *again) == [
        ["evaluate", "my runs/it's", "--seeds", "5", *plugin],
        ["leaderboard", "my runs/it's/results", "-o", "site"],
    ]
    base = "my runs/*/results/*/base-*.json"
    given = ["leaderboard", base, "my runs/it's", "-o", "site"]
    assert all_next(cli, "compare", base, "my runs/it's") == [given]


@pytest.mark.usefixtures("fresh_accelerator")
def test_a_checked_recipe_is_run_with_its_settings(cli: Cli, place: Path) -> None:
    words = ["my town.yaml", "--set", "tasks=[]", "--set", "title=my town"]
    assert all_next(cli, "recipes", "validate", *words) == [["adapt", *words]]


def test_the_words_of_a_field(cli: Cli, place: Path) -> None:
    text = ["--text", "let*.txt"]
    expected = ["tokenizer", "extend", "base", *text, "--size", "500", "-o", "extended"]
    assert all_next(cli, "tokenizer", "report", "base", *text) == [expected]


def test_from_plugins_to_a_recipe(cli: Cli, place: Path) -> None:
    plugin = ["--plugin", "the zoo.py"]
    listed, *_ = all_next(cli, "plugins", "list", *plugin)
    assert listed == ["recipes", "list", *plugin]
    assert all_next(cli, "plugins", "check", "zoo", *plugin)[0] == listed


def test_no_command_is_printed_in_another_way() -> None:
    found = {
        path.relative_to(CORE).as_posix()
        for path in CORE.rglob("*.py")
        if "Next: " in path.read_text(encoding="utf-8")
    }
    # The second names pip beside; tests/scaffold runs it.
    assert found == {"cli/common.py", "cli/plugins.py"}

"""Broken plugins of every kind leave every command working."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import typer.main

from domainbert.cli.app import app

Cli = Callable[..., Any]

DOMAIN = """
import domainbert

@domainbert.hookimpl
def domainbert_domains():
    yield domainbert.Domain(name="{name}", title="Of {name}")
"""
BROKEN = {
    "import-error": "import no_such_module_anywhere",
    "syntax-error": "def (",
    "system-exit": "raise SystemExit(9)",
    "exit-in-hook": DOMAIN.format(name="left") + "    raise SystemExit(9)\n",
    "wrong-hook": DOMAIN.format(name="misspelt").replace("_domains", "_domain"),
    "commands": DOMAIN.replace("domains()", "commands(app)").replace("yield", "1 / 0  #"),
    "twin-a": DOMAIN.format(name="twin"),
    "twin-b": DOMAIN.format(name="twin"),
}
STATUS = {
    **dict.fromkeys(BROKEN, "broken"),
    "commands": "ok",
    "twin-a": "conflict",
    "twin-b": "conflict",
}
# The commands of a plugin are added while the application starts; it says so and goes on.
SAID = "plugin fake-commands: domainbert_commands failed: ZeroDivisionError: division by zero\n"


@pytest.fixture
def broken(shelf: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Install one plugin of each kind that is broken."""
    for name, source in BROKEN.items():
        shelf.add(f"fake-{name}", source)
    monkeypatch.chdir(tmp_path)


def leaves(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if isinstance(command, click.Group) or hasattr(command, "commands"):
        for name, below in sorted(command.commands.items()):
            yield from leaves(below, (*path, name))
    else:
        yield path


COMMANDS = list(leaves(typer.main.get_command(app)))


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_answers(words: tuple[str, ...], broken: None, cli: Cli) -> None:
    outcome = cli(*words, "--help")
    assert (outcome.code, outcome.err) == (0, SAID)
    assert f"Usage: domainbert {' '.join(words)} " in outcome.out


@pytest.fixture
def town(tiny_base: Path, tmp_path: Path) -> Path:
    """A recipe with its data, all of it small."""
    shutil.copytree(tiny_base, tmp_path / "base")
    (tmp_path / "letters.txt").write_text("The baker moved on.\nThe clerk stayed.\nNobody left.\n")
    for number, split in enumerate(("train", "validation", "test")):
        (tmp_path / f"{split}.tsv").write_text(f"the\tO\nbaker\tB-Role\n{number}\tO\n")
    path = tmp_path / "town.yaml"
    path.write_text(
        "name: town\nbase: base\ncorpus: [{path: letters.txt, text_unit: line}]\n"
        "train: {steps: 1, batch_size: 2, max_seq_length: 16, precision: fp32}\n"
        "tasks:\n  - {name: roles, kind: tagging, train: train.tsv, validation: validation.tsv, "
        "test: test.tsv}\n"
        "evaluate: {seeds: [0], epochs: 1, min_steps: 1, max_seq_length: 16}\n"
    )
    return path


def test_models_are_adapted_and_evaluated(
    broken: None, town: Path, cli: Cli, fresh_accelerator: None
) -> None:
    outcome = cli("adapt", town, "--out", "run")
    assert outcome.code == 0, outcome.err
    assert outcome.err.startswith(SAID)
    assert Path("run/model/model.safetensors").is_file()
    again = cli("evaluate", "run", "--seeds", "1", "--json")
    assert again.code == 0, again.err
    assert json.loads(again.out)


def test_they_are_listed_and_only_who_asks_for_the_domain_of_a_broken_plugin_is_refused(
    broken: None, town: Path, cli: Cli
) -> None:
    listed = {info["name"]: info for info in json.loads(cli("plugins", "list", "--json").out)}
    assert {name: listed[f"fake-{name}"]["status"] for name in BROKEN} == STATUS
    outcome = cli("adapt", "--domain", "fake-import-error")
    assert outcome.code == 2
    assert "its plugin fake-import-error 1.2.3 is broken: ModuleNotFoundError" in outcome.err
    outcome = cli("evaluate", "base", "--domain", "twin", "--task", "x")
    assert (outcome.code, "is conflict: Domain 'twin' also in" in outcome.err) == (2, True)

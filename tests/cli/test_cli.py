from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from domainbert.recipe.library import bundled_recipes
from domainbert.recipe.resolve import load_recipe

Cli = Callable[..., Any]

QUICKSTART = bundled_recipes() / "bio" / "quickstart.yaml"
BUNDLED = sorted(
    path.relative_to(bundled_recipes()).with_suffix("").as_posix()
    for path in bundled_recipes().glob("*/*.yaml")
)

DOMAIN = """
import domainbert, pathlib

@domainbert.hookimpl
def domainbert_domains():
    here = pathlib.Path(__file__).parent
    yield domainbert.Domain(name="{name}", title="Of {name}", recipes=here / "recipes")
"""


# --- light -------------------------------------------------------------------------------------

LIGHT = """
import sys
import unicodedata
from domainbert.cli.app import main
sys.argv = ["domainbert", *sys.argv[1:]]
try:
    main()
finally:
    heavy = {"torch", "transformers", "accelerate", "datasets", "scipy", "pyarrow", "numpy"}
    print("imported:", sorted(heavy & set(sys.modules)), file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["adapt", "--help"], 0),
        (["recipes", "validate", *BUNDLED], 0),
        (["plugins", "list"], 0),
        (["adapt", "none.yaml"], 2),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, list) else "",
)
def test_commands_that_compute_nothing_import_nothing_heavy(
    words: list[str], code: int, python: Cli
) -> None:
    outcome = python("-c", LIGHT, *words)
    assert outcome.code == code
    assert outcome.err.splitlines()[-1] == "imported: []"


# --- help and usage ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [[], ["none"], ["adapt", "--none"], ["evaluate"], ["evaluate", "m", "--seeds", "0"]],
    ids=" ".join,
)
def test_a_usage_error_is_exit_code_2_without_a_traceback(words: list[str], cli: Cli) -> None:
    outcome = cli(*words)
    assert outcome.code == 2
    assert "Usage: domainbert " in outcome.out + outcome.err
    assert "Traceback" not in outcome.err


def test_a_path_that_cannot_be_is_a_user_error(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    for target in (tmp_path / "file" / "r.yaml", tmp_path / f"{'x' * 300}.yaml"):
        outcome = cli("recipes", "copy", "bio/quickstart", target)
        assert outcome.code == 2, outcome
        assert "Name another path." in outcome.err
        assert "Traceback" not in outcome.err


# --- recipes -----------------------------------------------------------------------------------


def test_recipes_show_and_copy_give_the_text_of_the_file(cli: Cli, tmp_path: Path) -> None:
    assert cli("recipes", "show", "bio/quickstart").out == QUICKSTART.read_text(encoding="utf-8")
    target = tmp_path / "mine" / "copy.yaml"
    outcome = cli("recipes", "copy", "bio/quickstart", target)
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == f"{target} written, to be edited.\nNext: domainbert adapt {target}\n"
    assert target.read_bytes() == QUICKSTART.read_bytes()
    outcome = cli("recipes", "copy", "bio/quickstart", target)
    assert outcome.err == f"error: {target}: exists already; choose another name.\n"


def test_validate_takes_settings_and_looks_up_names_in_the_domain(cli: Cli) -> None:
    outcome = cli("recipes", "validate", "bio/quickstart", "--set", "train.epochs=1")
    digest = load_recipe(QUICKSTART, ("train.epochs=1",)).hash()
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == (
        f"bio/quickstart: valid, sha256 {digest[:12]}…\n"
        "Next: domainbert adapt bio/quickstart --set train.epochs=1\n"
    )
    outcome = cli("recipes", "validate", "bio/quickstart", "--set", "corpus.0.name=none")
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err == "error: corpus.0.name: domain 'bio' has no corpus 'none'.\n"
    outcome = cli("recipes", "validate", "none.yaml", "nothing.yaml")
    assert (outcome.code, outcome.err.count("no such recipe file")) == (2, 2)


# --- plugins -----------------------------------------------------------------------------------


def test_a_single_file_brings_its_domain_and_recipes_while_others_are_disabled(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = "name: small\ndomain: mine\nbase: m\ncorpus: [{path: a}]\ntrain: {steps: 1}\n"
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "small.yaml").write_text(recipe)
    (tmp_path / "own.py").write_text(DOMAIN.format(name="mine"))
    given = ("--plugin", tmp_path / "own.py")
    assert "mine/small" in cli("recipes", "list", *given).out
    assert cli("recipes", "show", "mine/small", *given).out == recipe
    assert cli("recipes", "validate", "mine/small", *given).code == 0
    assert cli("recipes", "validate", "mine/small").code == 2
    monkeypatch.setenv("DOMAINBERT_PLUGINS", "")
    listed = {i["name"]: i for i in json.loads(cli("plugins", "list", "--json", *given).out)}
    assert listed.pop(str(tmp_path / "own.py"))["domains"] == ["mine"]
    assert {info["status"] for info in listed.values()} == {"disabled"}


# Commands of plugins are added to the application for good, hence another process.

COMMANDS = """
import domainbert
import typer

@domainbert.hookimpl
def domainbert_commands(app):
    @app.command()
    def hello(name: str):
        print(f"hello {name}")
"""

BROKEN_COMMANDS = """
import domainbert

@domainbert.hookimpl
def domainbert_commands(app):
    raise ValueError("[red]no luck[/]")
"""
FAILED = "plugin fake-b: domainbert_commands failed: ValueError: [red]no luck[/]\n"


@pytest.mark.parametrize(
    ("source", "reported"),
    [(BROKEN_COMMANDS, FAILED), ("raise SystemExit(9)", ""), ("def (", "")],
)
def test_a_plugin_adds_a_command_whatever_another_does(
    source: str, reported: str, shelf: Any, python: Cli
) -> None:
    shelf.add("fake-a", COMMANDS)
    shelf.add("fake-b", source)
    outcome = python("-m", "domainbert", "hello", "you", PYTHONPATH=str(shelf.folder))
    assert (outcome.code, outcome.out, outcome.err) == (0, "hello you\n", reported)


BAD = "\x1b[2J\u202ex"


@pytest.mark.parametrize(
    "words",
    [
        ["adapt", BAD], [BAD], ["adapt", f"--{BAD}=1"], ["adapt", f"--{BAD}"], [f"-{BAD}"],
        ["adapt", "--processes", BAD], ["adapt", "--until", BAD], ["adapt", "--domain", BAD],
        ["adapt", "x.yaml", "--set", f"{BAD}=1"], ["adapt", "x.yaml", "--plugin", f"{BAD}.py"],
        ["evaluate", BAD, "--task", BAD, "--domain", "bio"], ["evaluate", "x", "--seeds", BAD],
        ["compare", BAD, BAD], ["leaderboard", BAD], ["recipes", "show", BAD],
        ["recipes", "copy", BAD, "y"], ["recipes", "validate", BAD, BAD], ["plugins", "new", BAD],
        ["plugins", "check", BAD], ["tokenizer", "report", BAD], ["tokenizer", "extend", BAD],
    ],
)  # fmt: skip
def test_no_word_of_a_user_gives_orders_to_the_terminal(
    words: list[str], cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = cli(*words)
    assert outcome.code == 2
    hidden = {c for c in outcome.out + outcome.err if unicodedata.category(c) in {"Cc", "Cf"}}
    assert hidden <= {"\n"}

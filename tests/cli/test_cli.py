from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer

import domainbert
from domainbert.cli.app import app
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
        (["--help"], 0),
        (["adapt", "--help"], 0),
        (["recipes", "list"], 0),
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


def test_the_command_and_the_package_print_their_version(python: Cli) -> None:
    for words in (["-m", "domainbert"], [Path(sys.executable).with_name("domainbert")]):
        outcome = python(*words, "--version")
        assert (outcome.code, outcome.out, outcome.err) == (0, f"{domainbert.__version__}\n", "")


# --- help and usage ----------------------------------------------------------------------------


def commands(group: Any, name: str = "") -> dict[str, Any]:
    """Return the commands below a group by name."""
    found: dict[str, Any] = {}
    for word, command in group.commands.items():
        inside = hasattr(command, "commands")
        found |= commands(command, f"{name}{word} ") if inside else {f"{name}{word}": command}
    return found


def test_help_names_every_command_and_each_has_few_options(cli: Cli) -> None:
    found = commands(typer.main.get_command(app))
    outcome = cli("--help")
    assert outcome.code == 0
    assert [name for name in found if f"│ {name.partition(' ')[0]} " not in outcome.out] == []
    options = {
        name: sum(parameter.param_type_name == "option" for parameter in command.params)
        for name, command in found.items()
    }
    assert {name: number for name, number in options.items() if number > 8} == {}


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


def test_recipes_list_has_name_title_and_path(cli: Cli) -> None:
    outcome = cli("recipes", "list", "--json")
    assert (outcome.code, outcome.err) == (0, "")
    paths = {name: bundled_recipes() / f"{name}.yaml" for name in BUNDLED}
    assert json.loads(outcome.out) == [
        {"name": name, "title": load_recipe(path).title, "path": str(path)}
        for name, path in paths.items()
    ]
    lines = cli("recipes", "list").out.splitlines()
    assert all(any(line.startswith(f" {name} ") for line in lines) for name in BUNDLED)
    assert lines[-1] == "Next: domainbert recipes show NAME"


def test_recipes_show_and_copy_give_the_text_of_the_file(cli: Cli, tmp_path: Path) -> None:
    assert cli("recipes", "show", "bio/quickstart").out == QUICKSTART.read_text(encoding="utf-8")
    target = tmp_path / "mine" / "copy.yaml"
    outcome = cli("recipes", "copy", "bio/quickstart", target)
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == f"{target} written. Edit it, then: domainbert adapt {target}\n"
    assert target.read_bytes() == QUICKSTART.read_bytes()
    outcome = cli("recipes", "copy", "bio/quickstart", target)
    assert outcome.err == f"error: {target}: exists already; choose another name.\n"


def test_validate_takes_settings_and_looks_up_names_in_the_domain(cli: Cli) -> None:
    outcome = cli("recipes", "validate", "bio/quickstart", "--set", "train.epochs=1")
    digest = load_recipe(QUICKSTART, ("train.epochs=1",)).hash()
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == (
        f"bio/quickstart: valid, sha256 {digest[:12]}…\nNext: domainbert adapt bio/quickstart\n"
    )
    outcome = cli("recipes", "validate", "bio/quickstart", "--set", "corpus.0.name=none")
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err == "error: corpus.0.name: domain 'bio' has no corpus 'none'.\n"
    outcome = cli("recipes", "validate", "none.yaml", "nothing.yaml")
    assert (outcome.code, outcome.err.count("no such recipe file")) == (2, 2)


# --- plugins -----------------------------------------------------------------------------------


def test_plugins_list_has_status_reason_and_domains(cli: Cli, shelf: Any) -> None:
    shelf.add("fake-a", DOMAIN.format(name="legal"))
    shelf.add("fake-b", "raise ImportError('[red]no[/] [/nothing]')")
    shelf.add("fake-c", "", requires=("domainbert<0.1",))
    outcome = cli("plugins", "list", "--json")
    assert (outcome.code, outcome.err) == (0, "")
    listed = [info for info in json.loads(outcome.out) if info["name"].startswith("fake-")]
    keys = ("name", "distribution", "version", "status", "error", "domains")
    needs = f"needs domainbert<0.1, this is {domainbert.__version__}"
    expected = [
        ("fake-a", "fake-a", "1.2.3", "ok", "", ["legal"]),
        ("fake-b", "fake-b", "1.2.3", "broken", "ImportError: [red]no[/] [/nothing]", []),
        ("fake-c", "fake-c", "1.2.3", "incompatible", needs, []),
    ]
    assert [{key: info[key] for key in keys} for info in listed] == [
        dict(zip(keys, values, strict=True)) for values in expected
    ]
    shown = "".join(cli("plugins", "list").out.split())
    assert "[red]no[/]" in shown
    assert "[/nothing]" in shown


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

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import domainbert
from domainbert.recipe.library import bundled_recipes
from domainbert.recipe.resolve import load_recipe

Cli = Callable[..., Any]

QUICKSTART = bundled_recipes() / "bio" / "quickstart.yaml"
BUNDLED = sorted(
    path.relative_to(bundled_recipes()).with_suffix("").as_posix()
    for path in bundled_recipes().glob("*/*.yaml")
)

DOMAIN = """
import domainbert

@domainbert.hookimpl
def domainbert_domains():
    yield domainbert.Domain(name="{name}", title="Of {name}")
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
        (["evaluate", "--help"], 0),
        (["recipes", "list"], 0),
        (["recipes", "show", "bio/quickstart"], 0),
        (["recipes", "validate", *BUNDLED], 0),
        (["plugins", "list"], 0),
        (["adapt", "--domain", "none"], 2),
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


def test_the_package_can_be_run_and_tells_its_version(python: Cli) -> None:
    outcome = python("-m", "domainbert", "--version")
    assert (outcome.code, outcome.out, outcome.err) == (0, f"{domainbert.__version__}\n", "")


def test_the_command_is_installed(python: Cli) -> None:
    command = Path(sys.executable).with_name("domainbert")
    outcome = python(command, "--version")
    assert (outcome.code, outcome.out) == (0, f"{domainbert.__version__}\n")


def test_a_reader_that_has_gone_is_no_traceback() -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "domainbert", "recipes", "show", "bio/quickstart"],
            stdout=write,
            stderr=subprocess.PIPE,
            check=False,
        )
    finally:
        os.close(write)
    assert (done.returncode, done.stderr) == (1, b"")


# --- help --------------------------------------------------------------------------------------


def test_help_names_every_command(cli: Cli) -> None:
    outcome = cli("--help")
    assert outcome.code == 0
    for name in ("adapt", "evaluate", "recipes", "plugins"):
        assert f"│ {name} " in outcome.out


def test_without_a_command_help_is_shown_as_a_usage_error(cli: Cli) -> None:
    outcome = cli()
    assert outcome.code == 2
    assert "Usage: domainbert [OPTIONS] COMMAND [ARGS]..." in outcome.out + outcome.err


@pytest.mark.parametrize(
    "words",
    [
        ["none"],
        ["adapt", "--none"],
        ["evaluate"],
        ["evaluate", "m", "--seeds", "0"],
        ["recipes", "x"],
    ],
    ids=" ".join,
)
def test_a_usage_error_is_exit_code_2_without_a_traceback(words: list[str], cli: Cli) -> None:
    outcome = cli(*words)
    assert outcome.code == 2
    assert "Usage: domainbert " in outcome.err
    assert "Traceback" not in outcome.err


# --- recipes -----------------------------------------------------------------------------------


def test_recipes_list_as_json_has_name_title_and_path(cli: Cli) -> None:
    outcome = cli("recipes", "list", "--json")
    assert (outcome.code, outcome.err) == (0, "")
    listed = json.loads(outcome.out)
    assert [recipe["name"] for recipe in listed] == BUNDLED
    for recipe in listed:
        path = bundled_recipes() / f"{recipe['name']}.yaml"
        assert recipe == {
            "name": recipe["name"],
            "title": load_recipe(path).title,
            "path": str(path),
        }


def test_recipes_list_shows_every_name_and_the_next_command(cli: Cli) -> None:
    outcome = cli("recipes", "list")
    assert (outcome.code, outcome.err) == (0, "")
    lines = outcome.out.splitlines()
    assert [name for name in BUNDLED if any(line.startswith(f" {name} ") for line in lines)] == (
        BUNDLED
    )
    assert lines[-1] == "Next: domainbert recipes show NAME"


def test_recipes_show_prints_the_file_as_it_is(cli: Cli) -> None:
    outcome = cli("recipes", "show", "bio/quickstart")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == QUICKSTART.read_text(encoding="utf-8")


def test_recipes_copy_writes_the_file_as_it_is(cli: Cli, tmp_path: Path) -> None:
    target = tmp_path / "mine" / "copy.yaml"
    outcome = cli("recipes", "copy", "bio/quickstart", target)
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == f"{target} written. Edit it, then: domainbert adapt {target}\n"
    assert target.read_bytes() == QUICKSTART.read_bytes()
    assert [path.name for path in target.parent.iterdir()] == ["copy.yaml"]


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_recipes_copy_overwrites_nothing(kind: str, cli: Cli, tmp_path: Path) -> None:
    target = tmp_path / "mine.yaml"
    if kind == "file":
        target.write_text("mine")
    else:
        target.mkdir()
    outcome = cli("recipes", "copy", "bio/quickstart", target)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err == f"error: {target}: exists already; choose another name.\n"
    assert target.is_dir() or target.read_text() == "mine"


def test_every_bundled_recipe_is_valid(cli: Cli) -> None:
    outcome = cli("recipes", "validate", *BUNDLED, "--json")
    assert (outcome.code, outcome.err) == (0, "")
    recipes = {name: load_recipe(bundled_recipes() / f"{name}.yaml") for name in BUNDLED}
    assert json.loads(outcome.out) == [
        {"recipe": name, "name": recipe.name, "sha256": recipe.hash()}
        for name, recipe in recipes.items()
    ]


def test_validate_says_what_was_checked_and_what_comes_next(cli: Cli) -> None:
    outcome = cli("recipes", "validate", "bio/quickstart", "--set", "train.epochs=1")
    digest = load_recipe(QUICKSTART, ("train.epochs=1",)).hash()
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == (
        f"bio/quickstart: valid, sha256 {digest[:12]}…\nNext: domainbert adapt bio/quickstart\n"
    )


def test_validate_looks_up_names_in_the_domain(cli: Cli) -> None:
    outcome = cli("recipes", "validate", "bio/quickstart", "--set", "corpus.0.name=none")
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err == "error: corpus.0.name: domain 'bio' has no corpus 'none'.\n"


def test_validate_names_the_problems_of_every_recipe(cli: Cli, tmp_path: Path) -> None:
    names = []
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(f"name: x\nbase: m\ncorpus: [{{path: a}}]\n{name[0]}: 1\n")
        names.append(tmp_path / name)
    outcome = cli("recipes", "validate", *names)
    assert outcome.code == 2
    for path in names:
        assert f"{path}:4  {path.stem}: unknown key." in outcome.err


# --- plugins -----------------------------------------------------------------------------------


def test_plugins_list_as_json_tells_status_reason_and_domains(cli: Cli, shelf: Any) -> None:
    shelf.add("fake-a", DOMAIN.format(name="legal"))
    shelf.add("fake-b", "raise ImportError('no libfoo')")
    shelf.add("fake-c", "", requires=("domainbert<0.1",))
    outcome = cli("plugins", "list", "--json")
    assert (outcome.code, outcome.err) == (0, "")
    listed = [info for info in json.loads(outcome.out) if info["name"].startswith("fake-")]
    assert listed == [
        {
            "name": "fake-a",
            "distribution": "fake-a",
            "version": "1.2.3",
            "status": "ok",
            "error": "",
            "domains": ["legal"],
        },
        {
            "name": "fake-b",
            "distribution": "fake-b",
            "version": "1.2.3",
            "status": "broken",
            "error": "ImportError: no libfoo",
            "domains": [],
        },
        {
            "name": "fake-c",
            "distribution": "fake-c",
            "version": "1.2.3",
            "status": "incompatible",
            "error": f"needs domainbert<0.1, this is {domainbert.__version__}",
            "domains": [],
        },
    ]


def test_plugins_list_shows_disabled_plugins_and_single_files(
    cli: Cli, shelf: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.add("fake-a", DOMAIN.format(name="legal"))
    (tmp_path / "own.py").write_text(DOMAIN.format(name="mine"))
    monkeypatch.setenv("DOMAINBERT_PLUGINS", "")
    outcome = cli("plugins", "list", "--json", "--plugin", tmp_path / "own.py")
    listed = {info["name"]: info for info in json.loads(outcome.out)}
    assert {info["status"] for name, info in listed.items() if not name.endswith(".py")} == {
        "disabled"
    }
    assert listed[str(tmp_path / "own.py")]["domains"] == ["mine"]


def test_markup_in_a_reason_is_shown_as_it_is(cli: Cli, shelf: Any) -> None:
    shelf.add("fake-a", "raise ImportError('[red]no[/] [/nothing]')")
    outcome = cli("plugins", "list")
    assert (outcome.code, outcome.err) == (0, "")
    shown = "".join(outcome.out.split())
    assert "[red]no[/]" in shown
    assert "[/nothing]" in shown


def test_a_single_file_brings_its_domain_and_recipes(cli: Cli, tmp_path: Path) -> None:
    recipe = "name: small\ndomain: mine\nbase: m\ncorpus: [{path: a}]\ntrain: {steps: 1}\n"
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "small.yaml").write_text(recipe)
    (tmp_path / "own.py").write_text(
        "import pathlib\n"
        + DOMAIN.format(name="mine").replace(
            "title=", "recipes=pathlib.Path(__file__).parent / 'recipes', title="
        )
    )
    given = ("--plugin", tmp_path / "own.py")
    assert "mine/small" in [
        row["name"] for row in json.loads(cli("recipes", "list", "--json", *given).out)
    ]
    assert cli("recipes", "show", "mine/small", *given).out == recipe
    assert cli("recipes", "validate", "mine/small", *given).code == 0
    assert cli("recipes", "validate", "mine/small").code == 2


# Commands of plugins are added to the application for good, hence a process of its own.

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


@pytest.fixture
def with_plugins(shelf: Any, python: Cli) -> Cli:
    """Call the command line in a process of its own that sees the shelf."""

    def call(*words: object) -> Any:
        return python("-m", "domainbert", *words, PYTHONPATH=str(shelf.folder))

    return call


def test_a_plugin_adds_a_command(shelf: Any, with_plugins: Cli) -> None:
    shelf.add("fake-a", COMMANDS)
    outcome = with_plugins("hello", "you")
    assert (outcome.code, outcome.out, outcome.err) == (0, "hello you\n", "")


def test_a_plugin_whose_commands_fail_is_reported_and_the_others_work(
    shelf: Any, with_plugins: Cli
) -> None:
    shelf.add("fake-a", BROKEN_COMMANDS)
    shelf.add("fake-b", COMMANDS)
    outcome = with_plugins("hello", "you")
    assert (outcome.code, outcome.out) == (0, "hello you\n")
    assert outcome.err == (
        "plugin fake-a: domainbert_commands failed: ValueError: [red]no luck[/]\n"
    )


@pytest.mark.parametrize("source", ["raise SystemExit(9)", "import no_such_module", "def ("])
def test_a_broken_plugin_leaves_other_commands_working(
    source: str, shelf: Any, with_plugins: Cli
) -> None:
    shelf.add("fake-broken", source)
    shelf.add("fake-good", COMMANDS)
    assert with_plugins("hello", "you").out == "hello you\n"
    outcome = with_plugins("recipes", "validate", "bio/quickstart")
    assert (outcome.code, outcome.err) == (0, "")


def test_a_path_that_cannot_be_is_a_user_error(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    for target in (tmp_path / "file" / "r.yaml", tmp_path / f"{'x' * 300}.yaml"):
        outcome = cli("recipes", "copy", "bio/quickstart", target)
        assert outcome.code == 2, outcome
        assert "Name another path." in outcome.err
        assert "Traceback" not in outcome.err

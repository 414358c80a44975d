"""`domainbert recipes list|show|copy|validate`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from domainbert.cli import common, complete
from domainbert.cli.common import JsonOption, PluginOption
from domainbert.visible import visible

app = typer.Typer(help="List, show, copy and check recipes.", no_args_is_help=True)
NameArgument = Annotated[
    str,
    typer.Argument(help="Name of a library recipe, or a file.", autocompletion=complete.recipes),
]


@app.command("list")
def list_(plugin: PluginOption = None, as_json: JsonOption = False) -> None:
    """List the recipes of the library.

    Example: `domainbert recipes list`
    """
    from domainbert.pipeline.choose import load_registry
    from domainbert.recipe.library import list_recipes
    from domainbert.recipe.yaml import read_yaml

    rows = [
        {"name": name, "title": str(read_yaml(path).data.get("title", "")), "path": str(path)}
        for name, path in list_recipes(load_registry(plugin)).items()
    ]
    if as_json:
        common.print_json(rows)
        return
    common.print_table(["recipe", "title"], [[row["name"], row["title"]] for row in rows])
    if rows:
        common.print_next("recipes", "show", rows[0]["name"], plugin=plugin)


@app.command()
def show(name: NameArgument, plugin: PluginOption = None) -> None:
    """Print the text of a recipe.

    Example: `domainbert recipes show bio/quickstart`
    """
    text = _text(name, plugin)
    # A terminal obeys what a file has to keep.
    typer.echo(visible(text) if sys.stdout.isatty() else text, nl=False)


@app.command()
def copy(
    name: NameArgument,
    target: Annotated[Path, typer.Argument(help="New file.")],
    plugin: PluginOption = None,
) -> None:
    """Copy a recipe to a new file.

    Example: `domainbert recipes copy bio/quickstart mine.yaml`
    """
    from domainbert.errors import RecipeError
    from domainbert.storage.files import write_text

    text = _text(name, plugin)
    if target.exists():
        raise RecipeError(f"{target}: exists already; choose another name.")
    write_text(target, text)
    common.print_line(f"{target} written, to be edited.")
    common.print_next("adapt", str(target), plugin=plugin)


def _text(name: str, plugin: list[Path] | None) -> str:
    from domainbert.pipeline.choose import load_registry
    from domainbert.recipe.library import find_recipe
    from domainbert.recipe.yaml import read_recipe_text

    return read_recipe_text(find_recipe(name, load_registry(plugin)))


@app.command()
def validate(
    names: Annotated[
        list[str], typer.Argument(help="Recipes to check.", autocompletion=complete.recipes)
    ],
    settings: common.SettingsOption = None,
    plugin: PluginOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check recipes against the schema and the installed domains; reads no data.

    Example: `domainbert recipes validate bio/quickstart`
    """
    from domainbert.errors import RecipeError, UserError
    from domainbert.pipeline.choose import load_registry
    from domainbert.recipe import library, resolve

    registry = load_registry(plugin)
    checked, problems = [], []
    for name in names:
        try:
            path = library.find_recipe(name, registry)
            recipe = resolve.load_recipe(path, tuple(settings or ()))
            resolve.check_names(recipe, registry)
            checked.append({"recipe": name, "name": recipe.name, "sha256": recipe.hash()})
        except UserError as error:
            problems.append(str(error))
    if problems:
        raise RecipeError("\n".join(problems))
    if as_json:
        common.print_json(checked)
        return
    for entry in checked:
        common.print_line(f"{entry['recipe']}: valid, sha256 {entry['sha256'][:12]}…")
    given = [word for setting in settings or () for word in ("--set", setting)]
    common.print_next("adapt", names[0], *given, plugin=plugin)

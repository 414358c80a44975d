"""`domainbert plugins list|new|check`."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from domainbert.cli.common import (
    JsonOption,
    PluginOption,
    print_json,
    print_line,
    print_next,
    print_table,
)

app = typer.Typer(
    help="List, write and check the plugins that provide domains.", no_args_is_help=True
)


@app.command("list")
def list_(plugin: PluginOption = None, as_json: JsonOption = False) -> None:
    """List plugins with their domains and components; also those that are broken, with the reason.

    Example: `domainbert plugins list --json`
    """
    from domainbert.plugin.registry import load_plugins

    plugins = load_plugins(plugin or ()).plugins
    if as_json:
        print_json([asdict(info) for info in plugins])
        return
    rows = [
        [i.name, f"{i.distribution} {i.version}".strip(), i.status, ", ".join(i.domains),
         "; ".join(f"{kind} {', '.join(names)}" for kind, names in i.components.items()), i.error]
        for i in plugins
    ]  # fmt: skip
    print_table(["plugin", "distribution", "status", "domains", "components", "reason"], rows)
    print_next("recipes", "list", plugin=plugin)


@app.command()
def new(
    field: Annotated[str, typer.Argument(help="Name of the domain, such as case-law.")],
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", help="New folder.  [default: domainbert-FIELD]"),
    ] = None,
    licence: Annotated[str, typer.Option(help="Of your code: Apache-2.0 or MIT.")] = "Apache-2.0",
    as_json: JsonOption = False,
) -> None:
    """Write a complete plugin for a field, with sample data that works at once.

    Example: `domainbert plugins new case-law`
    """
    from domainbert.plugin.registry import load_plugins
    from domainbert.scaffold.write import write_plugin

    made = write_plugin(field, out, licence, load_plugins())
    if as_json:
        print_json(made)
        return
    for name in made["files"]:
        print_line(f"{made['folder']}/{name}")
    install = shlex.join(["pip", "install", "-e", made["folder"]])
    print_line(f"Next: {install} && domainbert plugins check {field}")


@app.command()
def check(
    name: Annotated[str, typer.Argument(help="Plugin, its distribution, or a domain of it.")],
    plugin: PluginOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check a plugin: names, licences, files, imports, data, terms, scores, components, recipes.

    One line per check, each failure with the fix; exit code 1 if any failed. Nothing is downloaded.

    Example: `domainbert plugins check bio`
    """
    from domainbert.plugin.registry import load_plugins
    from domainbert.plugin_check.check import check_plugin, find_plugin

    registry = load_plugins(plugin or ())
    rows = []
    for domain, outcome in check_plugin(find_plugin(name, registry), registry):
        rows.append({"domain": domain, **asdict(outcome)})
        if not as_json:
            print_line(outcome.line)
    failed = sum(not row["ok"] for row in rows)
    if as_json:
        print_json(rows)
    elif failed:
        print_line(f"{failed} of {len(rows)} checks failed.")
    else:
        print_next("recipes", "list", plugin=plugin)
    if failed:
        raise typer.Exit(1)

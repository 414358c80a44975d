"""`domainbert plugins list|new|check`."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from domainbert.cli.common import (
    JsonOption,
    PluginOption,
    print_json,
    print_line,
    print_next,
    print_table,
)

if TYPE_CHECKING:
    from domainbert.plugin.registry import Registry

app = typer.Typer(
    help="List, write and check the plugins that provide domains.", no_args_is_help=True
)


@app.command("list")
def list_(
    tasks: Annotated[
        bool, typer.Option("--tasks", help="List the tasks of each domain instead.")
    ] = False,
    plugin: PluginOption = None,
    as_json: JsonOption = False,
) -> None:
    """List plugins with their domains and components; also those that are broken, with the reason.

    Example: `domainbert plugins list --json`
    """
    from domainbert.plugin.registry import load_plugins

    registry = load_plugins(plugin or ())
    if tasks:
        _list_tasks(registry, as_json)
        return
    plugins = registry.plugins
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


def _list_tasks(registry: Registry, as_json: bool) -> None:
    titles = {info.key: f"{info.distribution} {info.version}".strip() for info in registry.plugins}
    rows = []
    for (key, hook), items in registry.answers.items():
        for item in items if hook in {"domainbert_domains", "domainbert_tasks"} else ():
            of_another = hook == "domainbert_tasks"
            domain, tasks = (item[0], item[1:]) if of_another else (item.name, item.tasks)
            for task in tasks if domain in registry.domains else ():
                about = {key: getattr(task, key) for key in ("kind", "title", "licence")}
                rows.append({"domain": domain, "task": task.name, "plugin": titles[key], **about})
    rows.sort(key=lambda row: (row["domain"], row["task"]))
    if as_json:
        print_json(rows)
        return
    shown = ["domain", "task", "kind", "plugin"]
    print_table(shown, [[row[name] for name in shown] for row in rows])


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
    rows: list[dict[str, Any]] = []
    for domain, outcome in check_plugin(find_plugin(name, registry), registry):
        if not as_json:
            if rows and domain != rows[-1]["domain"]:
                print_line(f"domain {domain}:")
            print_line(outcome.line)
        rows.append({"domain": domain, **asdict(outcome)})
    failed = sum(not row["ok"] for row in rows)
    if as_json:
        print_json(rows)
    elif failed:
        print_line(f"{failed} of {len(rows)} checks failed.")
    else:
        print_next("recipes", "list", plugin=plugin)
    if failed:
        raise typer.Exit(1)

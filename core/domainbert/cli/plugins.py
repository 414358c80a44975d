"""`domainbert plugins list|new|check`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from domainbert.cli.common import JsonOption, PluginOption, print_json, print_line, print_table

if TYPE_CHECKING:
    from domainbert.plugin.registry import PluginInfo, Registry
    from domainbert.plugin_check.outcome import Outcome

app = typer.Typer(
    help="List, write and check the plugins that provide domains.", no_args_is_help=True
)

_FIXES = {
    "broken": "put right what it says; see docs/reference/hooks.md for the hooks",
    "incompatible": "install a version of the plugin for this domainbert, or widen its requirement",
    "conflict": "uninstall one, or name those to load in DOMAINBERT_PLUGINS",
    "disabled": "name it in DOMAINBERT_PLUGINS, or unset that variable",
}


@app.command("list")
def list_(plugin: PluginOption = None, as_json: JsonOption = False) -> None:
    """List plugins, also those that are broken, with the reason.

    Example: `domainbert plugins list --json`
    """
    from domainbert.plugin.registry import load_plugins

    found = load_plugins(plugin or ()).plugins
    if as_json:
        print_json([asdict(info) for info in found])
        return
    rows = [
        [
            info.name,
            f"{info.distribution} {info.version}".strip(),
            info.status,
            ", ".join(info.domains),
            info.error,
        ]
        for info in found
    ]
    print_table(["plugin", "distribution", "status", "domains", "reason"], rows)
    print_line("Next: domainbert recipes list")


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
        print_json({**asdict(made), "folder": str(made.folder)})
        return
    for name in made.files:
        print_line(f"{made.folder / name}")
    print_line(f"Next: pip install -e {made.folder} && domainbert plugins check {made.field}")


@app.command()
def check(
    name: Annotated[str, typer.Argument(help="Plugin, its distribution, or a domain of it.")],
    plugin: PluginOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check a plugin: names, licences, files, imports, data, terms, scores, recipes.

    One line a check, each failure with what to do; exit code 1 if any failed. Nothing is
    downloaded.

    Example: `domainbert plugins check bio`
    """
    from domainbert.plugin.registry import load_plugins
    from domainbert.plugin_check.subject import find_plugin

    registry = load_plugins(plugin or ())
    info = find_plugin(name, registry)
    rows = []
    for domain, found in _outcomes(info, registry):
        rows.append({"domain": domain, **asdict(found)})
        if not as_json:
            print_line(found.line)
    failed = sum(not row["ok"] for row in rows)
    if as_json:
        print_json(rows)
    elif failed:
        print_line(f"{failed} of {len(rows)} checks failed.")
    else:
        given = "".join(f" --plugin {file}" for file in plugin or ())
        print_line(f"Next: domainbert recipes list{given}")
    if failed:
        raise typer.Exit(1)


def _outcomes(info: PluginInfo, registry: Registry) -> Iterator[tuple[str, Outcome]]:
    from domainbert.plugin_check.check import run_checks
    from domainbert.plugin_check.outcome import Outcome
    from domainbert.plugin_check.subject import subjects_of

    title = f"{info.distribution} {info.version}".strip()
    if info.status != "ok":
        what = f"{title} is {info.status}: {info.error}"
        yield "", Outcome("loads", False, what, _FIXES[info.status])
        return
    subjects = list(subjects_of(info, registry))
    names = ", ".join(subject.domain.name for subject in subjects) or "no domain and no task"
    yield "", Outcome("loads", True, f"{title} provides {names}")
    for subject in subjects:
        for found in run_checks(subject):
            yield subject.domain.name, found

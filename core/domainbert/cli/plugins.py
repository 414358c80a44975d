"""`domainbert plugins list`."""

from __future__ import annotations

from dataclasses import asdict

import typer

from domainbert.cli.common import JsonOption, PluginOption, print_json, print_line, print_table

app = typer.Typer(help="List the plugins that provide domains.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    # With a single command, typer would otherwise drop the word `list`.
    pass


@app.command("list")
def list_(plugin: PluginOption = None, as_json: JsonOption = False) -> None:
    """List plugins, also those that are broken, with the reason.

    Example: `domainbert plugins list --json`
    """
    from domainbert.plugins import load_plugins

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

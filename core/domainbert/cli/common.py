"""Options and output that commands share."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from domainbert.visible import visible

if TYPE_CHECKING:
    from domainbert.report.compare import TaskReport

PluginOption = Annotated[
    list[Path] | None,
    typer.Option("--plugin", metavar="FILE.py", help="Load a plugin from a single file."),
]
SettingsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Change a value: train.seed=7, budget=2epochs (3M, 30m)."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")]


def print_json(value: Any) -> None:
    """Print JSON on stdout."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    # Within JSON only strings have such characters; `json` escapes some of them.
    typer.echo("".join(c if visible(c) == c else f"\\u{ord(c):04x}" for c in text))


def print_line(text: str = "") -> None:
    """Print a line on stdout."""
    typer.echo(visible(text))


def print_next(*words: str, plugin: Iterable[Path] | None = None) -> None:
    """Print the command that a user is likely to want next, ready to be pasted.

    Args:
        words: After `domainbert`.
        plugin: Files given with `--plugin`, which that command needs too.
    """
    options = [word for file in plugin or () for word in ("--plugin", str(file))]
    print_line("Next: " + shlex.join(["domainbert", *words, *options]))


def print_notices(notices: Iterable[str]) -> None:
    """Print what a reader of the result should know on stderr, one line each."""
    from domainbert.report.text import plain
    from domainbert.run.progress import Reporter

    for notice in notices:
        Reporter().say(f"notice: {plain(notice)}")


def print_table(headings: list[str], rows: list[list[str]]) -> None:
    """Print a table on stdout; text from outside is not read as markup."""
    from rich.text import Text

    table = Table(
        *(escape(visible(heading)) for heading in headings), box=box.SIMPLE_HEAD, pad_edge=False
    )
    for row in rows:
        table.add_row(*(Text(visible(item)) for item in row))
    Console(highlight=False).print(table)


def print_reports(reports: tuple[TaskReport, ...]) -> None:
    """Print scores and differences of each task on stdout."""
    from domainbert.report.card import remarks, shown_metrics, side_notes
    from domainbert.report.text import difference, is_share, percent, shown

    for report in reports:
        name = report.task.name + (" (sample)" if report.task.sample else "")
        metrics = shown_metrics(report)
        rows = [
            [
                model,
                *(shown(scores[metric], metric) for metric in metrics),
                " ".join(percent(value) for value in scores[report.metric].values),
            ]
            for model, scores in report.scores.items()
        ]
        print_table(
            [name, *(f"{m}, %" if is_share(m) else m for m in metrics), f"{report.metric} by seed"],
            rows,
        )
    for report in reports:
        first, name = next(iter(report.scores)), report.task.name
        for other, compared in report.comparisons.items():
            print_line(f"{name}: {other} − {first} = {difference(compared)}")
        for remark in filter(None, (*remarks(report), *side_notes(report), report.task.notes)):
            print_line(f"{report.task.name}: {remark}")

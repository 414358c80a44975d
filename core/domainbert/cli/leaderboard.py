"""`domainbert leaderboard`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from domainbert.cli.common import JsonOption, print_json, print_line, print_notices, print_table

if TYPE_CHECKING:
    from domainbert.report.leaderboard import Tables


def leaderboard(
    results: Annotated[
        list[str],
        typer.Argument(metavar="RESULTS...", help="Run folders, folders of results, files, globs."),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the site.")] = Path("site"),
    as_json: JsonOption = False,
) -> None:
    """Make a page that ranks models by their stored results.

    Writes `index.html`, which works from disk, and the same numbers as `leaderboard.json`, `.csv`
    and `.md`. Every result is scored again from its predictions; one that differs is refused.

    Example: `domainbert leaderboard runs/* -o site`
    """
    from domainbert.report.leaderboard import board_json, make_leaderboard, write_leaderboard

    tables, notices = make_leaderboard(results)
    write_leaderboard(tables, notices, out)
    print_notices(notices)
    if as_json:
        print_json(board_json(tables, notices))
        return
    _print(tables)
    print_line(f"Next: open {out / 'index.html'}")


def _print(tables: Tables) -> None:
    from domainbert.report.text import percent, plain, signed, spread

    for table in tables:
        rows = [
            [
                str(row.rank or "–"),
                plain(row.title),
                spread(row),
                f"{percent(row.low)} to {percent(row.high)}",
                signed(row.against_base.difference) if row.against_base else "",
                row.unranked or (row.against_base.verdict if row.against_base else ""),
            ]
            for row in table.rows
        ]
        sample = " (sample, not a benchmark)" if table.task.sample else ""
        print_line(f"{plain(table.task.name)}{sample}, version {plain(table.task.version)}")
        titles = ["rank", "model", f"{table.metric}, %", "95 % interval", "− base", ""]
        print_table(titles, rows)

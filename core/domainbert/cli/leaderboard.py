"""`domainbert leaderboard`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from domainbert.cli.common import JsonOption, print_json, print_line, print_notices, print_table


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
    from domainbert.report.text import percent, plain, signed, spread

    tables, notices = make_leaderboard(results)
    write_leaderboard(tables, notices, out)
    print_notices(notices)
    if as_json:
        print_json(board_json(tables, notices))
        return
    for table in tables:
        task, sample = table["task"], " (sample, not a benchmark)" if table["task"].sample else ""
        print_line(f"{plain(task.name)}{sample}, version {plain(task.version)}")
        titles = ["rank", "model", f"{table['metric']}, %", "95 % interval", "− base", ""]
        rows = []
        for row in table["rows"]:
            base, ends = row["against_base"], f"{percent(row['low'])} to {percent(row['high'])}"
            points, verdict = (signed(base.difference), base.verdict) if base else ("", "")
            cells = [str(row["rank"] or "–"), plain(row["title"]), spread(row["summary"]), ends]
            rows.append([*cells, points, row["unranked"] or verdict])
        print_table(titles, rows)
    print_line(f"Page, to open in a browser: {(out / 'index.html').resolve().as_uri()}")

"""`domainbert compare`."""

from __future__ import annotations

from typing import Annotated

import typer

from domainbert.cli.common import JsonOption, print_json, print_line, print_notices, print_table


def compare(
    first: Annotated[
        str, typer.Argument(metavar="A", help="Run folder, folder of results, file or glob.")
    ],
    second: Annotated[
        str, typer.Argument(metavar="B", help="The same, of the model that is compared with A.")
    ],
    as_json: JsonOption = False,
) -> None:
    """Compare two models by their stored results: B minus A, with a bootstrap interval.

    Of a run folder the adapted model is taken. Nothing is trained; every result is scored again
    from its predictions.

    Example: `domainbert compare 'runs/mine/results/*/base-seed-*.json' runs/mine`
    """
    from domainbert.report.card import signed, spread
    from domainbert.report.contrast import compare_results, contrast_json
    from domainbert.report.escape import plain

    found, notices = compare_results(first, second)
    print_notices(notices)
    if as_json:
        print_json([contrast_json(entry) for entry in found])
        return
    rows = [
        [plain(entry.task), letter, plain(side.name), spread(side.score), str(len(side.seeds))]
        for entry in found
        for letter, side in (("A", entry.first), ("B", entry.second))
    ]
    print_table(["task", "", "model", "score, %", "seeds"], rows)
    for entry in found:
        told = entry.comparison
        notes = f" ({'; '.join(entry.notes)})" if entry.notes else ""
        print_line(
            f"{plain(entry.task)}, {entry.metric}: B − A = {signed(told.difference)} points, 95 % "
            f"interval {signed(told.low)} to {signed(told.high)}: {told.verdict}{notes}"
        )
    print_line("Next: domainbert leaderboard A B -o site")

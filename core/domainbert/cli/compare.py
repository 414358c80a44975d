"""`domainbert compare`."""

from __future__ import annotations

from typing import Annotated

import typer

from domainbert.cli.common import (
    JsonOption,
    print_json,
    print_line,
    print_next,
    print_notices,
    print_table,
)


def compare(
    first: Annotated[str, typer.Argument(metavar="A", help="Run or results: folder, file, glob.")],
    second: Annotated[str, typer.Argument(metavar="B", help="The same, of the second model.")],
    as_json: JsonOption = False,
) -> None:
    """Compare two models by their stored results: B minus A, with a bootstrap interval.

    Of a run folder the adapted model is taken. Nothing is trained; every result is scored again
    from its predictions.

    Example: `domainbert compare 'runs/mine/results/*/base-seed-*.json' runs/mine`
    """
    from domainbert.report.compare_results import compare_results, comparison_json
    from domainbert.report.text import difference, plain, spread

    compared, notices = compare_results(first, second)
    print_notices(notices)
    if as_json:
        print_json([comparison_json(*entry) for entry in compared])
        return
    rows = []
    for base, other, _ in compared:
        for letter, model in (("A", base), ("B", other)):
            task, name = plain(model.first.result.task.name), plain(model.first.name)
            rows.append([task, letter, name, spread(model.primary), str(len(model.seeds))])
    print_table(["task", "", "model", "score, %", "seeds"], rows)
    for base, _, comparison in compared:
        task, metric = plain(base.first.result.task.name), base.first.result.metric
        print_line(f"{task}, {metric}: B − A = {difference(comparison)}")
    print_next("leaderboard", first, second, "-o", "site")

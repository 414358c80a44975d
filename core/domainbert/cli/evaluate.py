"""`domainbert evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from domainbert.cli import complete
from domainbert.cli.common import (
    JsonOption,
    PluginOption,
    print_json,
    print_line,
    print_next,
    print_reports,
)

DomainOption = Annotated[
    str | None, typer.Option(help="Domain; a run knows its own.", autocompletion=complete.domains)
]
TaskOption = Annotated[
    list[str] | None,
    typer.Option(
        help="Task of the domain; may be repeated.  [default: those of the run]",
        autocompletion=complete.tasks,
    ),
]
BaselinesOption = Annotated[
    str | None,
    typer.Option(help="all, none, or NAME[,NAME].  [default: as the run, or the fast ones]"),
]
RecipeOption = Annotated[
    str | None, typer.Option(help="Recipe, or a file with `tasks` and `evaluate` alone.")
]
ChangeOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change a value: evaluate.epochs=2."),
]
SeedsOption = Annotated[
    int | None,
    typer.Option(min=1, max=1000, help="Seeds 0 to N-1.  [default: those of --recipe, or 5]"),
]
ShardOption = Annotated[
    str, typer.Option(metavar="I/N", help="Run the I-th of N parts of the trials.")
]
Targets = Annotated[
    list[str], typer.Argument(help="Run folder, model folder, hub id or package:…; or several.")
]
OutOption = Annotated[
    Path | None, typer.Option(help="Folder of results.  [default: the run, or evaluations/…]")
]


def evaluate(
    target: Targets,
    domain: DomainOption = None,
    task: TaskOption = None,
    recipe: RecipeOption = None,
    settings: ChangeOption = None,
    seeds: SeedsOption = None,
    against: Annotated[str | None, typer.Option(help="Compare with.  [default: the base]")] = None,
    baselines: BaselinesOption = None,
    shard: ShardOption = "1/1",
    out: OutOption = None,
    plugin: PluginOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fine-tune models on labelled tasks over several seeds and compare them.

    Finished trials are kept, so more seeds only add to them.

    Example: `domainbert evaluate runs/bio-quickstart --seeds 5`
    """
    from domainbert.api import evaluate as run_evaluation

    done = run_evaluation(
        *target,
        domain=domain,
        tasks=task or (),
        recipe=recipe,
        settings=settings or (),
        seeds=seeds,
        against=against,
        baselines=baselines,
        shard=shard,
        out=out,
        plugins=plugin or (),
    )
    if not done.reports:
        return  # another rank or the last shard says it
    reports, folder = done.reports, done.results
    if as_json:
        from domainbert.report.card import task_json

        print_json([task_json(report) for report in reports])
        return
    print_reports(reports)
    print_line(f"Results and predictions: {folder}")
    print_next("leaderboard", str(folder), "-o", "site")

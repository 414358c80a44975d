"""`domainbert adapt`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from domainbert.cli.common import (
    JsonOption,
    PluginOption,
    print_json,
    print_line,
    print_reports,
    print_table,
)
from domainbert.launch.worker import stoppable
from domainbert.run.heartbeat import is_worker

if TYPE_CHECKING:
    from domainbert.report.card import RunSummary


RecipeArgument = Annotated[
    str | None,
    typer.Argument(help="Recipe file, name of a library recipe, or a run folder to continue."),
]
DomainOption = Annotated[str | None, typer.Option(help="Take the default recipe of this domain.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change a value of the recipe."),
]
BudgetOption = Annotated[
    str | None,
    typer.Option(
        help="How long to train, in place of the recipe's own: steps (500), epochs (2epochs), "
        "tokens (3M) or time (30m, 2h)."
    ),
]
OutOption = Annotated[Path | None, typer.Option(help="Run folder.  [default: runs/RECIPE-NAME]")]
ProcessesOption = Annotated[
    int, typer.Option(min=1, help="Train in so many processes of this machine.")
]
DryRunOption = Annotated[
    bool,
    typer.Option("--dry-run", help="Say what would be done and what it takes; write nothing."),
]
UntilOption = Annotated[
    Literal["corpus", "vocabulary", "pretrain"] | None,
    typer.Option(help="Stop after this stage; the same command without it goes on."),
]


@stoppable()
def adapt(
    recipe: RecipeArgument = None,
    domain: DomainOption = None,
    settings: SetOption = None,
    budget: BudgetOption = None,
    out: OutOption = None,
    processes: ProcessesOption = 1,
    until: UntilOption = None,
    only_plan: DryRunOption = False,
    plugin: PluginOption = None,
    as_json: JsonOption = False,
) -> None:
    """Adapt a base model to a field's text and compare the two.

    The same command, or `domainbert adapt RUN_FOLDER`, continues a run that was stopped.

    Example: `domainbert adapt --domain bio`
    """
    from domainbert.cli.choose import choose_recipe
    from domainbert.plugin.registry import load_plugins
    from domainbert.run.progress import Reporter

    registry = load_plugins(plugin or ())
    chosen = choose_recipe(recipe, domain, tuple(settings or ()), registry, budget)
    out = out or chosen.run_folder or Path("runs") / chosen.recipe.name
    in_data = until in {"corpus", "vocabulary"}
    several = processes > 1 and not only_plan and not in_data and not is_worker()
    if several:
        from domainbert.launch.supervisor import check_supervision
        from domainbert.training.phases import check_shares

        check_supervision()
        check_shares(chosen.recipe.train, processes)
    # Heavy, so after everything that can be refused without it.
    if only_plan:
        from domainbert.cli.forecast import forecast
        from domainbert.planning.dry_run import Place

        forecast(chosen, Place(chosen.folder, registry, out, processes), as_json)
        return
    from domainbert.adapt import adapt as run_adaptation
    from domainbert.adapt import resume_command

    last = "vocabulary" if several else until
    summary = run_adaptation(chosen.recipe, chosen.folder, out, registry, Reporter(), last)
    if several:  # data stages are done: ranks train and score
        from domainbert.launch.supervisor import supervise

        raise typer.Exit(supervise(processes, out))
    if summary is not None:
        _print_summary(summary, out, as_json)
    elif until is not None and not is_worker():
        print_line(f"Stage {until} is done. Next: {resume_command(out)}")


def _print_summary(summary: RunSummary, out: Path, as_json: bool) -> None:
    from domainbert.report.card import summary_json

    if as_json:
        print_json(summary_json(summary))
        return
    before, after = summary.adaptation.before, summary.adaptation.after
    print_table(
        ["held-out text", "before", "after"],
        [
            [
                "bits per character",
                f"{before.bits_per_character:.3f}",
                f"{after.bits_per_character:.3f}",
            ],
            [
                "hidden tokens restored, %",
                f"{100 * before.accuracy:.1f}",
                f"{100 * after.accuracy:.1f}",
            ],
        ],
    )
    print_reports(summary.reports)
    print_line(
        f"{summary.seconds / 60:.1f} minutes, {summary.adaptation.tokens:,} tokens in "
        f"{summary.adaptation.steps:,} steps; peak memory {summary.hardware['peak_memory_gb']} GB"
    )
    print_line(f"Model: {out / 'model'} · model card: {out / 'README.md'}")
    print_line(f"Next: domainbert evaluate {out} --seeds 5")

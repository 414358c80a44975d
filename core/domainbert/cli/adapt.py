"""`domainbert adapt`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from domainbert.cli import common, complete
from domainbert.cli.common import JsonOption, PluginOption, SettingsOption, print_line
from domainbert.errors import RecipeError
from domainbert.launch.worker import stoppable
from domainbert.run.heartbeat import is_worker
from domainbert.run.progress import Reporter

if TYPE_CHECKING:
    from domainbert.recipe.schema import Recipe
    from domainbert.report.card import RunSummary
    from domainbert.stages.blend import Blend


RecipeArgument = Annotated[
    str | None,
    typer.Argument(
        help="Recipe file, library name, or a run folder to continue.",
        autocompletion=complete.recipes,
    ),
]
DomainOption = Annotated[
    str | None,
    typer.Option(help="Take the default recipe of this domain.", autocompletion=complete.domains),
]
OutOption = Annotated[Path | None, typer.Option(help="Run folder.  [default: runs/RECIPE-NAME]")]
ProcessesOption = Annotated[
    int, typer.Option(min=1, help="Processes to train in, on this machine.")
]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Say what the run does and takes; write nothing.")
]
FullOption = Annotated[
    bool, typer.Option("--full", help="With --dry-run: print values that are defaults too.")
]
UntilOption = Annotated[
    Literal["corpus", "vocabulary", "pretrain"] | None,
    typer.Option(help="Stop after this stage; the same command without it goes on."),
]


@stoppable()
def adapt(
    recipe: RecipeArgument = None,
    domain: DomainOption = None,
    settings: SettingsOption = None,
    out: OutOption = None,
    processes: ProcessesOption = 1,
    until: UntilOption = None,
    only_plan: DryRunOption = False,
    full: FullOption = False,
    plugin: PluginOption = None,
    as_json: JsonOption = False,
) -> None:
    """Adapt a base model to a field's text and compare the two.

    The same command, or `domainbert adapt RUN_FOLDER`, continues a run that was stopped.

    Example: `domainbert adapt --domain bio`
    """
    from domainbert.pipeline.choose import choose_recipe, load_registry, run_folder

    if full and not only_plan:
        raise RecipeError("--full belongs to --dry-run.")
    registry = load_registry(plugin)
    chosen = choose_recipe(recipe, domain, tuple(settings or ()), registry)
    out = out or run_folder(chosen)
    in_data = only_plan or until in {"corpus", "vocabulary"}
    several = processes > 1 and not in_data and not is_worker()
    if several:
        _check_processes(chosen.recipe, processes)
    if only_plan:
        from domainbert.cli.forecast import forecast  # heavy, as what follows

        forecast(chosen, out, registry, processes, full, as_json)
        return
    from domainbert.pipeline.adapt import adapt as run_adaptation

    last = "vocabulary" if several else until
    summary = run_adaptation(chosen.recipe, chosen.folder, out, registry, Reporter(), last)
    if several:  # data stages are done: ranks train and score
        _supervise(processes, out, until, plugin)
    if summary is not None:
        print_summary(summary, out, plugin, as_json)
    elif until is not None and not is_worker():
        _print_stage(until, out, plugin)


def _print_curve(blend: Blend) -> None:
    from domainbert.report.statistics import summarise
    from domainbert.report.text import spread

    rows = []
    for point in blend.curve:
        bits = f"{point.bits:.3f}", "" if point.general is None else f"{point.general:.3f}"
        score = spread(summarise(point.validation)) if point.validation else ""
        chosen = "← model/" if point.alpha == blend.alpha else ""
        rows.append([f"{point.alpha:g}", *bits, score, chosen])
    heading = ["α", "bits per character", "general text", "validation, %", ""]
    common.print_table(heading, rows)
    print_line(f"α = {blend.alpha:g}: {blend.reason}; test splits had no part in it")


def _supervise(processes: int, out: Path, until: str | None, plugin: list[Path] | None) -> None:
    from domainbert.launch.supervisor import supervise

    code = supervise(processes, out)
    if code == 0 and until is not None:
        _print_stage(until, out, plugin)
    raise typer.Exit(code)


def _print_stage(name: str, out: Path, plugin: list[Path] | None) -> None:
    print_line(f"Stage {name} is done.")
    common.print_next("adapt", str(out), plugin=plugin)


def _check_processes(recipe: Recipe, processes: int) -> None:
    from domainbert.launch.supervisor import check_supervision
    from domainbert.training.phases import check_shares

    check_supervision()
    check_shares(recipe.train, processes)


def print_summary(summary: RunSummary, out: Path, plugin: list[Path] | None, as_json: bool) -> None:
    """Print what a run did, or its numbers as JSON."""
    from domainbert.report.card import summary_json

    if as_json:
        common.print_json(summary_json(summary))
        return
    done = summary.adaptation
    held_out = done.before, done.after
    rows = [
        ["bits per character", *(f"{score.bits_per_character:.3f}" for score in held_out)],
        ["masked-token accuracy, %", *(f"{100 * score.accuracy:.1f}" for score in held_out)],
    ]
    common.print_table(["held-out text", "before", "after"], rows)
    if summary.blend.curve:
        _print_curve(summary.blend)
    if done.doubt:
        print_line(f"no verdict: {done.doubt}")
    common.print_reports(summary.reports)
    memory = summary.hardware["peak_memory_gb"]
    steps = f"{done.tokens:,} tokens in {done.steps:,} steps"
    print_line(
        f"{summary.seconds / 60:.1f} minutes, {steps}; peak memory of this process {memory} GB"
    )
    print_line(f"Model: {out / 'model'} · model card: {out / 'README.md'}")
    for folder in summary.kept:
        print_line(f"Fine-tuned: {folder}")
    if summary.reports:
        common.print_next("evaluate", str(out), "--seeds", "5", plugin=plugin)
    else:
        print_line("The recipe has no task, so nothing says whether the model is better at one.")

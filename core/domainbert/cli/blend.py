"""`domainbert blend`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from domainbert.cli.adapt import print_summary
from domainbert.cli.common import JsonOption, PluginOption
from domainbert.launch.worker import stoppable
from domainbert.run.progress import Reporter

RunArgument = Annotated[Path, typer.Argument(help="Run folder whose training is done.")]
PointsOption = Annotated[
    str | None,
    typer.Option(help="Shares of the adapted weights.  [default: of the recipe, or 0.25,0.5,0.75]"),
]
ChooseOption = Annotated[
    str | None,
    typer.Option(help="`validation`, `bits` or a share.  [default: of the recipe, or validation]"),
]
AverageOption = Annotated[
    str | None,
    typer.Option(help="`none`, `last-K` or `ema`, over checkpoints.  [default: of the recipe]"),
]
BudgetOption = Annotated[
    float | None,
    typer.Option(
        help="Bits of general text that `bits` may cost.  [default: of the recipe, or 0.1]"
    ),
]


@stoppable()
def blend(
    run: RunArgument,
    points: PointsOption = None,
    choose: ChooseOption = None,
    budget: BudgetOption = None,
    average: AverageOption = None,
    plugin: PluginOption = None,
    as_json: JsonOption = False,
) -> None:
    """Choose the model between base and end of training that a finished run hands over.

    No training is repeated. `model/` becomes the chosen one, `adapted/` stays the end of training.

    Example: `domainbert blend runs/bio-quickstart --points 0.3,0.5,0.7`
    """
    from domainbert.errors import RunFolderError
    from domainbert.pipeline.adapt import adapt
    from domainbert.pipeline.choose import choose_recipe, load_registry
    from domainbert.run.folder import RunFolder
    from domainbert.run.resume_command import continue_command

    folder = RunFolder(run)
    if not folder.lock.is_file():
        raise RunFolderError(f"{run}: no run folder. Make one with `domainbert adapt RECIPE`.")
    if not (folder.adapted.is_dir() or folder.model.is_dir()):
        again = continue_command(run, 1)
        raise RunFolderError(f"{run}: training is not done. Continue with: {again}")
    shares = None if points is None else f"[{points}]"
    given = {"points": shares, "choose": choose, "budget": budget, "average": average}
    settings = [f"blend.{key}={value}" for key, value in given.items() if value is not None]
    registry = load_registry(plugin)
    if choose_recipe(str(run), None, (), registry).recipe.blend is None:
        settings = ["blend={}", *settings]
    chosen = choose_recipe(str(run), None, tuple(settings), registry)
    summary = adapt(chosen.recipe, chosen.folder, run, registry, Reporter())
    if summary is not None:
        print_summary(summary, run, plugin, as_json)

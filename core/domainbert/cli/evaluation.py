"""From the arguments of `domainbert evaluate` to models and tasks."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from domainbert.cli.choose import Chosen, continue_run
from domainbert.errors import RecipeError, RunFolderError
from domainbert.evaluate import ModelUnderTest, TaskReport, evaluate
from domainbert.model.load import BaseFolder, find_base, public_name
from domainbert.plugin.registry import Registry
from domainbert.recipe.sections import EvaluateSection, TaskSection
from domainbert.run.folder import RunFolder, owned
from domainbert.run.progress import Reporter, download_bar
from domainbert.run.resume_command import continue_command
from domainbert.run.session import open_session
from domainbert.run.stage import read_stage
from domainbert.tasks.check import check_baselines
from domainbert.tasks.load import load_task


def run_comparison(
    target: str,
    domain_name: str | None,
    tasks: Sequence[str],
    seeds: int,
    against: str | None,
    out: Path | None,
    registry: Registry,
) -> tuple[tuple[TaskReport, ...], Path, bool]:
    """Score the target and the model that it is compared with on the tasks.

    Args:
        target: Run folder, or a model.
        domain_name: Domain of the tasks; else that of the run.
        tasks: Their names; else those of the run.
        seeds: Number of trials per model.
        against: Model to compare with; else the base of the run.
        out: Folder of results; else the run, or one below `evaluations`.
        registry: Plugins, for the domain.

    Returns:
        A report per task, the folder of results, and whether this process writes the output.

    Raises:
        UserError: No task, or something is missing or malformed.
    """
    chosen = continue_run(Path(target)) if RunFolder(Path(target)).lock.is_file() else None
    recipe, folder = (chosen.recipe, chosen.folder) if chosen else (None, Path())
    models = _models(target, against, chosen)
    domain_name = domain_name or (recipe.domain if recipe else None)
    sections = _sections(tasks, domain_name) or (recipe.tasks if recipe else ())
    if not sections:
        raise RecipeError("No task to evaluate on: name one with --domain and --task.")
    domain = registry.domain(domain_name) if domain_name else None
    settings = recipe.evaluate if recipe else EvaluateSection()
    settings = settings.model_copy(update={"seeds": tuple(range(seeds))})
    # Results go into a run if they are of this run, else apart from it.
    name = "-against-".join(map(_plain, filter(None, (target, against))))
    out = out or (Path(target) if chosen and not against else Path("evaluations") / name)
    with open_session(out, Reporter()) as session:
        with download_bar(session.reporter) as progress:
            loaded = [load_task(section, domain, folder, progress) for section in sections]
        for task in loaded if settings.baselines else ():
            check_baselines(task)
        session = session.with_processes(recipe.train.precision if recipe else "auto")
        with owned(out) if session.is_main else nullcontext():
            reports = evaluate(models, loaded, settings, session, recipe)
        return reports, session.run.results, session.is_main


def _models(target: str, against: str | None, chosen: Chosen | None) -> list[ModelUnderTest]:
    first = [_model("base", find_base(against, Path()))] if against else []
    if chosen is None:
        return [*first, _model("adapted" if against else "model", find_base(target, Path()))]
    base, run = chosen.recipe.base, RunFolder(Path(target))
    if against is None:
        place = find_base(base.source, chosen.folder, base.revision, base.sha256)
        first = [_model("base", place)]
    if not run.model.is_dir():
        again = continue_command(run.path, 1)
        raise RunFolderError(f"{run.path}: has no model yet. Continue with: {again}")
    stages = [read_stage(run.path / name) or {} for name in ("head", "pretrain")]
    done = [stage.get("result", {}) for stage in stages]
    tokens, seconds = (sum(each.get(key, 0) for each in done) for key in ("tokens", "seconds"))
    cost = int(tokens), seconds / 60
    place, name = find_base(str(run.model), Path()), public_name(base.source)
    return [*first, ModelUnderTest("adapted", place.folder, place.sha256, name, *cost)]


def _model(name: str, place: BaseFolder) -> ModelUnderTest:
    return ModelUnderTest(name, place.folder, place.sha256, place.public_name)


def _sections(names: Sequence[str], domain: str | None) -> tuple[TaskSection, ...]:
    if names and domain is None:
        raise RecipeError("--task names a task of a domain: add --domain.")
    try:
        return tuple(TaskSection(name=name) for name in names)
    except ValueError:
        raise RecipeError(f"--task {' '.join(names)}: no name of a task.") from None


def _plain(text: str) -> str:
    return "".join(c if c.isalnum() or c in "-._" else "-" for c in text).strip("-.") or "model"

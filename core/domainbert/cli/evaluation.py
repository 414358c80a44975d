"""From the arguments of `domainbert evaluate` to models and tasks."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from domainbert.cli.choose import Chosen, continue_run
from domainbert.errors import RecipeError, RunFolderError
from domainbert.evaluate import ModelUnderTest, TaskReport, evaluate
from domainbert.model.load import find_base, public_name
from domainbert.plugin.registry import Registry
from domainbert.recipe.sections import EvaluateSection, TaskSection
from domainbert.run.folder import RunFolder, owned
from domainbert.run.progress import Reporter, download_bar
from domainbert.run.resume_command import continue_command
from domainbert.run.session import open_session
from domainbert.run.stage import read_stage
from domainbert.tasks.load import load_task


@dataclass(frozen=True)
class Request:
    """Arguments of the command; see `domainbert evaluate --help`."""

    target: str
    domain: str | None
    tasks: tuple[str, ...]
    seeds: int
    against: str | None
    out: Path | None


def run_comparison(
    request: Request, registry: Registry
) -> tuple[tuple[TaskReport, ...], Path, bool]:
    """Score the target and the model that it is compared with on the tasks.

    Returns:
        A report per task, the folder of results, and whether this process writes the output.

    Raises:
        UserError: No task, or something is missing or malformed.
    """
    path = Path(request.target)
    chosen = continue_run(path) if RunFolder(path).lock.is_file() else None
    recipe = chosen.recipe if chosen else None
    models = _models(request, chosen)
    domain_name = request.domain or (recipe.domain if recipe else None)
    sections = _tasks(request, chosen, domain_name)
    domain = registry.domain(domain_name) if domain_name else None
    settings = recipe.evaluate if recipe else EvaluateSection()
    settings = settings.model_copy(update={"seeds": tuple(range(request.seeds))})
    out = request.out or _folder(request, chosen)
    with open_session(out, Reporter()) as session:
        folder = chosen.folder if chosen else Path()
        with download_bar(session.reporter) as progress:
            tasks = [load_task(section, domain, folder, progress) for section in sections]
        session = session.with_processes(recipe.train.precision if recipe else "auto")
        with owned(out) if session.is_main else nullcontext():
            reports = evaluate(models, tasks, settings, session, recipe)
        return reports, session.run.results, session.is_main


def _folder(request: Request, chosen: Chosen | None) -> Path:
    """Return where results go: into a run if they are of this run, else apart from it."""
    if chosen and request.against is None:
        return Path(request.target)
    against = f"-against-{_plain(request.against)}" if request.against else ""
    return Path("evaluations") / f"{_plain(request.target)}{against}"


def _models(request: Request, chosen: Chosen | None) -> list[ModelUnderTest]:
    if chosen is None:
        if request.against is None:
            return [_model("model", request.target)]
        return [_model("base", request.against), _model("adapted", request.target)]
    recipe, run = chosen.recipe, RunFolder(Path(request.target))
    if request.against is not None:
        first = _model("base", request.against)
    else:
        base = recipe.base
        place = find_base(base.source, chosen.folder, base.revision, base.sha256)
        first = ModelUnderTest("base", place.folder, place.sha256, place.public_name)
    if not run.model.is_dir():
        again = continue_command(run.path, 1)
        raise RunFolderError(f"{run.path}: has no model yet. Continue with: {again}")
    place = find_base(str(run.model), Path())
    trained = (read_stage(run.path / "pretrain") or {}).get("result", {})
    tokens, minutes = trained.get("tokens", 0), trained.get("seconds", 0.0) / 60
    name = public_name(recipe.base.source)
    return [first, ModelUnderTest("adapted", place.folder, place.sha256, name, tokens, minutes)]


def _model(name: str, source: str) -> ModelUnderTest:
    place = find_base(source, Path())
    return ModelUnderTest(name, place.folder, place.sha256, place.public_name)


def _tasks(request: Request, chosen: Chosen | None, domain: str | None) -> tuple[TaskSection, ...]:
    if request.tasks and domain is None:
        raise RecipeError("--task names a task of a domain: add --domain.")
    try:
        sections = tuple(TaskSection(name=name) for name in request.tasks)
    except ValueError:
        raise RecipeError(f"--task {' '.join(request.tasks)}: no name of a task.") from None
    sections = sections or (chosen.recipe.tasks if chosen else ())
    if not sections:
        raise RecipeError("No task to evaluate on: name one with --domain and --task.")
    return sections


def _plain(text: str) -> str:
    return "".join(c if c.isalnum() or c in "-._" else "-" for c in text).strip("-.") or "model"

"""From the words of `domainbert evaluate` to candidates and tasks."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from domainbert.cli.choose import Chosen, continue_run
from domainbert.errors import RecipeError, RunFolderError
from domainbert.evaluate import Candidate, TaskReport, evaluate
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
    """What was typed; see `domainbert evaluate --help`."""

    target: str
    domain: str | None
    tasks: tuple[str, ...]
    seeds: int
    against: str | None
    out: Path | None


@dataclass(frozen=True)
class Compared:
    """What came out: reports, the folder of results, and whether this process speaks."""

    reports: tuple[TaskReport, ...]
    results: Path
    is_main: bool


def run_comparison(request: Request, registry: Registry) -> Compared:
    """Score the target, and what it is compared with, on the tasks.

    Raises:
        UserError: No task, or something is missing or malformed.
    """
    path = Path(request.target)
    chosen = continue_run(path) if RunFolder(path).lock.is_file() else None
    candidates = _candidates(request, chosen)
    sections, domain_name = _tasks(request, chosen)
    domain = registry.domain(domain_name) if domain_name else None
    settings = chosen.recipe.evaluate if chosen else EvaluateSection()
    settings = settings.model_copy(update={"seeds": tuple(range(request.seeds))})
    precision = chosen.recipe.train.precision if chosen else "auto"
    out = request.out or _folder(request, chosen)
    with open_session(out, Reporter()) as session:
        folder = chosen.folder if chosen else Path()
        with download_bar(session.reporter) as progress:
            tasks = [load_task(section, domain, folder, progress) for section in sections]
        recipe = chosen.recipe if chosen else None
        session = session.with_processes(precision)
        with owned(out) if session.is_main else nullcontext():
            reports = evaluate(candidates, tasks, settings, session, recipe)
        return Compared(reports, session.run.results, session.is_main)


def _folder(request: Request, chosen: Chosen | None) -> Path:
    """Return where results go: into a run if they are of this run, else apart from it."""
    if chosen and request.against is None:
        return Path(request.target)
    against = f"-against-{_plain(request.against)}" if request.against else ""
    return Path("evaluations") / f"{_plain(request.target)}{against}"


def _candidates(request: Request, chosen: Chosen | None) -> list[Candidate]:
    found = []
    if request.against is not None:
        found.append(_candidate("base", request.against))
    elif chosen is not None:
        base = chosen.recipe.base
        place = find_base(base.source, chosen.folder, base.revision, base.sha256)
        found.append(Candidate("base", place.folder, place.sha256, place.public_name))
    name = "adapted" if found else "model"
    if chosen is None:
        return [*found, _candidate(name, request.target)]
    run = RunFolder(Path(request.target))
    if not run.model.is_dir():
        raise RunFolderError(
            f"{run.path}: has no model yet. Continue with: {continue_command(run.path, 1)}"
        )
    place = find_base(str(run.model), Path())
    trained = (read_stage(run.path / "pretrain") or {}).get("result", {})
    tokens, minutes = trained.get("tokens", 0), trained.get("seconds", 0.0) / 60
    base_name = public_name(chosen.recipe.base.source)
    return [*found, Candidate(name, place.folder, place.sha256, base_name, tokens, minutes)]


def _candidate(name: str, source: str) -> Candidate:
    place = find_base(source, Path())
    return Candidate(name, place.folder, place.sha256, place.public_name)


def _tasks(request: Request, chosen: Chosen | None) -> tuple[list[TaskSection], str | None]:
    domain = request.domain or (chosen.recipe.domain if chosen else None)
    if request.tasks:
        if domain is None:
            raise RecipeError("--task names a task of a domain: add --domain.")
        return [_named_task(name) for name in request.tasks], domain
    if chosen is not None and chosen.recipe.tasks:
        return list(chosen.recipe.tasks), domain
    raise RecipeError("No task to evaluate on: name one with --domain and --task.")


def _named_task(name: str) -> TaskSection:
    try:
        return TaskSection(name=name)
    except ValueError:
        raise RecipeError(f"--task {name}: no name of a task.") from None


def _plain(text: str) -> str:
    return "".join(c if c.isalnum() or c in "-._" else "-" for c in text).strip("-.") or "model"

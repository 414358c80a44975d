"""From the words of `domainbert evaluate` to candidates and tasks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from domainbert.base import find_base
from domainbert.cli.choose import Chosen, continue_run
from domainbert.errors import RecipeError
from domainbert.evaluate import Candidate, TaskReport, evaluate
from domainbert.plugins import Registry
from domainbert.progress import Reporter, download_bar
from domainbert.recipe_sections import EvaluateSection, TaskSection
from domainbert.run import RunFolder, read_training
from domainbert.session import open_session
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


def run_comparison(request: Request, registry: Registry) -> tuple[tuple[TaskReport, ...], Path]:
    """Score the target, and what it is compared with, on the tasks.

    Returns:
        The reports, and the folder of results.

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
    out = request.out or (path if chosen else Path("evaluations") / _plain(request.target))
    reporter = Reporter()
    again = f"domainbert evaluate {request.target} …"  # the same command
    with open_session(out, precision, reporter, again) as session:
        folder = chosen.folder if chosen else Path()
        with download_bar(session.reporter) as progress:
            tasks = [load_task(section, domain, folder, progress) for section in sections]
        recipe = chosen.recipe if chosen else None
        return evaluate(candidates, tasks, settings, session, recipe), session.run.results


def _candidates(request: Request, chosen: Chosen | None) -> list[Candidate]:
    found = []
    if request.against is not None:
        found.append(_candidate("base", request.against))
    elif chosen is not None:
        base = chosen.recipe.base
        place = find_base(base.source, chosen.folder, base.revision, base.sha256)
        found.append(Candidate("base", place.folder, place.sha256, base.source))
    name = "adapted" if found else "model"
    if chosen is None:
        return [*found, _candidate(name, request.target)]
    run = RunFolder(Path(request.target))
    place = find_base(str(run.model), Path())
    tokens, minutes = read_training(run)
    base_source = chosen.recipe.base.source
    return [
        *found, Candidate(name, place.folder, place.sha256, base_source, tokens, minutes)
    ]  # fmt: skip


def _candidate(name: str, source: str) -> Candidate:
    place = find_base(source, Path())
    return Candidate(name, place.folder, place.sha256, source)


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

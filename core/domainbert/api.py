"""What the commands `adapt` and `evaluate` do, for scripts and notebooks.

Both speak on stderr as the commands do. Errors are exceptions of `domainbert.errors`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from domainbert.pipeline import comparison
from domainbert.pipeline.choose import choose_recipe, continue_run, load_registry, run_folder
from domainbert.recipe.evaluate import EvaluateSection
from domainbert.report.card import RunSummary
from domainbert.report.compare import TaskReport
from domainbert.run.folder import RunFolder, owned
from domainbert.run.progress import Reporter, download_bar
from domainbert.run.session import open_session
from domainbert.stages.plan import Until
from domainbert.storage.locate import Fetcher, known_pins

Name = str | Path


@dataclass(frozen=True)
class Evaluation:
    """What `evaluate` returns.

    Args:
        reports: Scores and comparison of each task.
        results: Folder of the result files.
    """

    reports: tuple[TaskReport, ...]
    results: Path


def adapt(
    recipe: Name | None = None,
    *,
    domain: str | None = None,
    settings: Mapping[str, Any] | None = None,
    out: Name | None = None,
    until: Until | None = None,
    plugins: Sequence[Name] = (),
) -> RunSummary | None:
    """Adapt a base model to a field's text and compare the two; the same call continues a run.

    Args:
        recipe: Recipe file, library name, or a run folder to continue.
        domain: Take the default recipe of this domain instead.
        settings: Values that replace those of the recipe, such as `{"train.steps": 500}`.
        out: Run folder; else `runs/RECIPE-NAME`.
        until: Last stage to run: `corpus`, `vocabulary` or `pretrain`.
        plugins: Single files with a domain.

    Returns:
        The summary of the run, which a notebook shows as the model card; None after `until`.

    Raises:
        UserError: Recipe, data, base or folder cannot be used.
        RunFailed: Training or evaluation could not be finished.
        Stopped: A signal or an interrupted kernel; a checkpoint is kept.
    """
    from domainbert.pipeline import adapt as path

    registry = load_registry(map(Path, plugins))
    words = tuple(f"{key}={_yaml(value)}" for key, value in (settings or {}).items())
    chosen = choose_recipe(None if recipe is None else str(recipe), domain, words, registry)
    folder = Path(out) if out else run_folder(chosen)
    return path.adapt(chosen.recipe, chosen.folder, folder, registry, Reporter(), until)


def evaluate(
    target: Name,
    *,
    domain: str | None = None,
    tasks: Sequence[str] = (),
    seeds: int = 5,
    against: Name | None = None,
    baselines: bool | str | Sequence[str] | None = None,
    out: Name | None = None,
    plugins: Sequence[Name] = (),
) -> Evaluation:
    """Fine-tune models on labelled tasks over several seeds and compare them.

    Finished trials are kept, so more seeds only add to them.

    Args:
        target: Run folder, model folder, hub id or `package:…`.
        domain: Domain of the tasks; a run knows its own.
        tasks: Names of tasks of the domain; else those of the run.
        seeds: Fine-tune with seeds 0 to N-1.
        against: Model to compare with; else the base of the run.
        baselines: As `evaluate.baselines` of a recipe; else that of the run.
        out: Folder of results; else the run, or one below `evaluations`.
        plugins: Single files with a domain.

    Raises:
        UserError: No task, or something is missing or malformed.
        RunFailed: A fine-tuning run did not stay finite.
        Stopped: A signal or an interrupted kernel; finished trials are kept.
    """
    from domainbert.errors import RecipeError
    from domainbert.pipeline.evaluate import evaluate as score
    from domainbert.tasks.check import check_evaluation
    from domainbert.tasks.load import load_task

    registry, target = load_registry(map(Path, plugins)), str(target)
    other = None if against is None else str(against)
    chosen = continue_run(Path(target)) if RunFolder(Path(target)).lock.is_file() else None
    recipe, folder = (chosen.recipe, chosen.folder) if chosen else (None, Path())
    models = comparison.find_models(target, other, chosen)
    domain = domain or (recipe.domain if recipe else None)
    sections = comparison.find_sections(tasks, domain) or (recipe.tasks if recipe else ())
    if not sections:
        raise RecipeError("No task to evaluate on: name one with --domain and --task.")
    found = registry.domain(domain) if domain else None
    settings = recipe.evaluate if recipe else EvaluateSection()
    settings = comparison.changed(settings, seeds, baselines)
    place = Path(out) if out else comparison.default_folder(target, other, chosen is not None)
    comparison.check_folder(place, other)
    with open_session(place, Reporter()) as session:
        with download_bar(session.reporter) as progress:
            pins = known_pins(RunFolder(Path(target)).lock)
            fetcher = Fetcher(progress, partial(session.check_stop, "downloading"), pins)
            loaded = [load_task(section, found, folder, fetcher) for section in sections]
        check_evaluation(loaded, settings)
        session = session.with_processes(recipe.train.precision if recipe else "auto")
        with owned(place) if session.is_main else nullcontext():
            reports = score(models, loaded, settings, session, recipe)
        return Evaluation(reports, session.run.results)


def _yaml(value: Any) -> str:
    """Return a value in one line of YAML, as `--set` takes it."""
    text = yaml.safe_dump(value, default_flow_style=True, width=float("inf"), allow_unicode=True)
    return str(text).removesuffix("\n...\n").strip()

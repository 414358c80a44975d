"""What the commands `adapt` and `evaluate` do, for scripts and notebooks.

Both speak on stderr as the commands do. Errors are exceptions of `domainbert.errors`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from domainbert.pipeline import comparison
from domainbert.pipeline.asked import Arguments, Asked, understand
from domainbert.pipeline.choose import choose_recipe, continue_run, load_registry, run_folder
from domainbert.pipeline.trial import Models
from domainbert.plugin.components import LoadedTask
from domainbert.plugin.registry import Registry
from domainbert.report.card import RunSummary
from domainbert.report.compare import TaskReport
from domainbert.run.folder import RunFolder, owned
from domainbert.run.progress import Reporter, download_bar
from domainbert.run.session import Session, Shard, open_session
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
    words = _words(settings or {})
    chosen = choose_recipe(None if recipe is None else str(recipe), domain, words, registry)
    folder = Path(out) if out else run_folder(chosen)
    return path.adapt(chosen.recipe, chosen.folder, folder, registry, Reporter(), until)


def evaluate(
    target: Name,
    *others: Name,
    domain: str | None = None,
    tasks: Sequence[str] = (),
    recipe: Name | None = None,
    settings: Mapping[str, Any] | Sequence[str] = (),
    seeds: int | None = None,
    against: Name | None = None,
    baselines: bool | str | Sequence[str] | None = None,
    shard: tuple[int, int] | str = (1, 1),
    out: Name | None = None,
    plugins: Sequence[Name] = (),
) -> Evaluation:
    """Fine-tune models on labelled tasks over several seeds and compare them.

    Finished trials are kept, so more seeds only add to them.

    Args:
        target: Run folder, model folder, hub id or `package:…`.
        others: More of them, such as a run with TAPT; each is a row that is called after its
            folder, and is compared with the first model. Results have a folder apart from runs.
        domain: Domain of the tasks; a run knows its own.
        tasks: Names of tasks of the domain; else those of the recipe, or of the run.
        recipe: A recipe, or a file with `tasks` and `evaluate` alone; else that of a run.
        settings: Values that replace those of the recipe, such as `{"evaluate.epochs": 2}`, or
            texts as `--set` takes them.
        seeds: Fine-tune with seeds 0 to N-1; else those of `recipe`, or five.
        against: Model to compare with; else the base of the run.
        baselines: As `evaluate.baselines` of a recipe; else that of the run.
        shard: Number of this machine, from 1, and of all machines that share the trials and `out`;
            or both as `1/4`.
        out: Folder of results; else the run, or one below `evaluations`.
        plugins: Single files with a domain.

    Returns:
        The reports; none where other shards have not finished.

    Raises:
        UserError: No task, or something is missing or malformed.
        RunFailed: A fine-tuning run did not stay finite.
        Stopped: A signal or an interrupted kernel; finished trials are kept.
    """
    from domainbert.pipeline import evaluate as pipeline

    part, registry, target = Shard.of(shard), load_registry(map(Path, plugins)), str(target)
    other = None if against is None else str(against)
    chosen = continue_run(Path(target)) if RunFolder(Path(target)).lock.is_file() else None
    models = comparison.find_models(target, other, chosen)
    more = [str(name) for name in others]
    models += comparison.find_others(more)
    words = _words(settings) if isinstance(settings, Mapping) else tuple(settings)
    name = None if recipe is None else str(recipe)
    given = Arguments(domain, tasks, name, words, seeds, baselines)
    asked = understand(given, chosen, registry)
    place = comparison.results_folder(out, target, more, other, chosen is not None, asked.other)
    pins = RunFolder(Path(target)).lock
    with open_session(place, Reporter()) as session:
        session = replace(session, shard=part)
        loaded = _load(asked, models, registry, pins, session)
        run = chosen.recipe if chosen else None
        session = session.with_processes(run.train.precision if run else "auto")
        # Shards share a folder: each writes results of its own trials.
        alone = session.is_main and session.shard.count == 1
        with owned(place) if alone else nullcontext():
            if chosen:
                pipeline.borrow(RunFolder(Path(target)), models, loaded, asked.settings, session)
            reports = pipeline.evaluate(models, loaded, asked.settings, session, run)
        return Evaluation(reports, session.run.results)


def _load(
    asked: Asked, models: Models, registry: Registry, lock: Path, session: Session
) -> list[LoadedTask]:
    """Return the tasks, downloaded, read and checked."""
    from domainbert.tasks.check import check_evaluation
    from domainbert.tasks.load import domain_of, load_task
    from domainbert.tasks.trials import unused_settings

    with download_bar(session.reporter) as progress:
        poll = partial(session.check_stop, "downloading")
        fetcher = Fetcher(progress, poll, known_pins(lock))
        loaded = [
            load_task(task, domain_of(task, asked.domain, registry), asked.folder, fetcher)
            for task in asked.sections
        ]
    check_evaluation(loaded, asked.settings)
    for notice in (
        *unused_settings(loaded, asked.settings),
        *comparison.check_rows(models, loaded),
    ):
        session.reporter.say(notice)
    return loaded


def _words(settings: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(f"{key}={_yaml(value)}" for key, value in settings.items())


def _yaml(value: Any) -> str:
    """Return a value in one line of YAML, as `--set` takes it."""
    text = yaml.safe_dump(value, default_flow_style=True, width=float("inf"), allow_unicode=True)
    return str(text).removesuffix("\n...\n").strip()

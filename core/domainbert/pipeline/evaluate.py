"""The second path: fine-tune models on tasks over seeds and compare them."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from domainbert.pipeline.kept import drop_others, keep, lost
from domainbert.plugin.components import Baseline, LoadedTask, Predictions
from domainbert.plugin.domain import Task
from domainbert.plugin.registry import calling, component
from domainbert.recipe.evaluate import EvaluateSection
from domainbert.recipe.schema import Recipe
from domainbert.report.compare import TaskReport, compare, corrected, group, most_counts
from domainbert.report.results import result_path, save_result, task_entry, task_identity
from domainbert.report.scored import Scored, find_result
from domainbert.run.environment import environment
from domainbert.run.session import Session
from domainbert.tasks.check import baseline_names
from domainbert.tasks.metrics.score import check_predictions, primary_metric, score
from domainbert.tasks.trials import Tuned, run_trials, stored_settings, tuned_predictions


@dataclass(frozen=True)
class ModelUnderTest:
    """A model to be scored, or a baseline.

    Args:
        name: Its name in tables; for a baseline that of the component.
        folder: Checkpoint with encoder and tokenizer; None for a baseline.
        sha256: Hash of its weights.
        base: The checkpoint it was adapted from, or is.
        tokens: Tokens read in continued pretraining.
        minutes: Wall time of continued pretraining.
        doubt: Why its scores say nothing of the adaptation, or an empty string.
        blend: Where it lies between base and adapted model; see `Blend.name`.
        contaminated: Documents of its corpus that were left out; see `contaminated`.
    """

    name: str
    folder: Path | None = None
    sha256: str | None = None
    base: str | None = None
    tokens: int = 0
    minutes: float = 0.0
    doubt: str = ""
    blend: str = ""
    contaminated: int | None = None


@dataclass(frozen=True)
class ModelTrial:
    """One model on one task with one seed.

    Args:
        loaded: The task with its records.
        model: The model.
        seed: Seed of fine-tuning.
        settings: Settings of fine-tuning, as the result stores them; empty for a baseline.
        path: File of the result.
    """

    loaded: LoadedTask
    model: ModelUnderTest
    seed: int
    settings: Mapping[str, Any]
    path: Path

    @property
    def title(self) -> str:
        """What messages call it."""
        return f"{self.loaded.task.name}: {self.model.name}, seed {self.seed}"

    @property
    def group(self) -> tuple[str, ...]:
        """Task and model."""
        return self.loaded.task.name, self.model.name

    @property
    def about(self) -> dict[str, Any]:
        """What a kept model says of its trial."""
        about = {"model": self.model.name, "encoder": self.model.sha256, "seed": self.seed}
        return about | {"settings": dict(self.settings)}


Models = Sequence[ModelUnderTest]


def evaluate(
    models: Models,
    tasks: Sequence[LoadedTask],
    settings: EvaluateSection,
    session: Session,
    recipe: Recipe | None = None,
) -> tuple[TaskReport, ...]:
    """Score every model on every task with every seed, and the baselines.

    Args:
        models: The others are compared with the first.
        tasks: Read and checked.
        settings: Seeds and fine-tuning.
        session: Device, progress, run folder; finished trials there are not repeated.
        recipe: Of the run, to be named in the results.

    Returns:
        A report per task; in other ranks than the first none.

    Raises:
        RunFailed: A fine-tuning run did not stay finite, or a component failed.
        Stopped: A signal; finished trials are kept.
    """
    by_task: dict[str, list[Scored]] = defaultdict(list)
    for scored in run_models(models, tasks, settings, session, recipe):
        by_task[scored.result.task.name].append(scored)
    named = [loaded.task for loaded in tasks if by_task]
    if session.is_main:
        drop_others(session.run, settings.keep)
    reports = [_report(task, by_task[task.name], models) for task in named]
    return _corrected(reports, [model.name for model in models[1:]])


def run_models(
    models: Models,
    tasks: Sequence[LoadedTask],
    settings: EvaluateSection,
    session: Session,
    recipe: Recipe | None = None,
) -> list[Scored]:
    """Run the trials that are not finished, and return the results of all; see `evaluate`."""
    trials = [trial for loaded in tasks for trial in _trials(loaded, models, settings, session)]
    # Baselines take seconds, so an error in their data shows before the hours of fine-tuning.
    trials.sort(key=lambda trial: trial.model.folder is not None)
    run = partial(_run, settings=settings, session=session, recipe=recipe)
    again = _without_model(trials, settings, session)

    def finished(trial: ModelTrial) -> Scored | None:
        if trial.path in again:  # once: a full disk must not make it run for ever
            again.discard(trial.path)
            return None
        return _finished(trial)

    return run_trials(trials, session, finished, run)


def _without_model(
    trials: Sequence[ModelTrial], settings: EvaluateSection, session: Session
) -> set[Path]:
    """Return finished results whose fine-tuned model was to be kept and is not there."""
    by_task: dict[str, list[ModelTrial]] = defaultdict(list)
    for trial in trials:
        if trial.model.folder is not None:
            by_task[trial.loaded.task.name].append(trial)
    return {
        path
        for name, own in by_task.items()
        for path in lost(session.run, settings.keep, name, partial(_validation_scores, own))
    }


def _validation_scores(trials: Sequence[ModelTrial]) -> dict[Path, float]:
    """Return the primary metric on validation of the finished trials of one task."""
    metric = primary_metric(trials[0].loaded.task).name
    results = {
        trial.path: stored.result for trial in trials if (stored := _finished(trial)) is not None
    }
    return {path: result.validation.get(metric, 0.0) for path, result in results.items()}


def drop_results(session: Session, models: Models) -> None:
    """Remove the results of a blend that the run handed over before and does not any more."""
    hashes = {model.sha256 for model in models if model.name == "blend"}
    for path in session.run.results.glob("*/blend-seed-*.json") if session.is_main else ():
        found = find_result(path)
        if found is not None and found.result.model.sha256 not in hashes:
            session.reporter.say(f"notice: {path} is of another blend and was removed")
            path.unlink()
            path.with_suffix(".jsonl").unlink(missing_ok=True)


def _trials(
    loaded: LoadedTask, models: Models, settings: EvaluateSection, session: Session
) -> list[ModelTrial]:
    pairs = [(model, seed) for model in models for seed in settings.seeds]
    pairs += [(ModelUnderTest(name), 0) for name in baseline_names(loaded) if settings.baselines]
    stored = stored_settings(settings, loaded, session)
    trials = []
    for model, seed in pairs:
        path = result_path(session.run.results, loaded.task.name, model.name, seed)
        trials.append(ModelTrial(loaded, model, seed, stored if model.folder else {}, path))
    return trials


def _run(
    trials: Sequence[ModelTrial],
    settings: EvaluateSection,
    session: Session,
    recipe: Recipe | None,
) -> None:
    """Fine-tune and score one model with several seeds, and store the results."""
    first, started = trials[0], time.perf_counter()
    for trial, predictions, tuned in _predicted(first, trials, settings, session):
        minutes, started = (time.perf_counter() - started) / 60, time.perf_counter()
        task, model = trial.loaded.task, trial.model
        counts = {**trial.loaded.counts, **tuned.counts}
        keys = "name", "sha256", "base", "tokens", "doubt", "blend", "contaminated"
        run = recipe.name if recipe and model.tokens else None
        about = {"run": run, "parameters": tuned.size or None, "minutes": round(model.minutes, 2)}
        metric = primary_metric(task).name
        scores = {split: score(task, predictions[split]) for split in ("test", "validation")}
        entry = {
            "model": {**{key: getattr(model, key) for key in keys}, **about},
            "task": task_entry(task),
            "seed": trial.seed,
            "settings": trial.settings,
            "metric": metric,
            **scores,
            "counts": counts,
            "recipe": {"name": recipe.name, "sha256": recipe.hash()} if recipe else None,
            "environment": environment(),
            "minutes": round(minutes, 2),
        }
        if tuned.candidate is not None:
            keep(tuned.candidate, trial.about, scores["validation"], session)
        value = save_result(trial.path, entry, predictions["test"]).test[metric]
        took = f"{metric} {100 * value:.2f} ({60 * minutes:.0f} s)"
        session.reporter.say(f"{trial.title}: {took}")


def _predicted(
    first: ModelTrial, trials: Sequence[ModelTrial], settings: EvaluateSection, session: Session
) -> Iterator[tuple[ModelTrial, Predictions, Tuned]]:
    """Yield the predictions of trials of one group; see `tuned_predictions`."""
    model, loaded = first.model, first.loaded
    if model.folder is not None:
        checkpoint = model.folder, model.sha256, model.name
        yield from tuned_predictions(checkpoint, loaded, trials, settings, session)
        return
    baseline = component(Baseline, model.name)
    for trial in trials:
        with calling(baseline):
            predictions = baseline.predict(loaded, trial.seed)
        check_predictions(baseline, loaded, predictions)
        yield trial, predictions, Tuned()


def _finished(trial: ModelTrial) -> Scored | None:
    """Return the stored result of a trial, or None if it is missing or of other settings."""
    stored, task = find_result(trial.path, trial.loaded.task.metrics), trial.loaded.task
    if stored is None or task_identity(stored.result.task) != task_identity(task):
        return None
    key = stored.result.model.sha256, stored.result.settings
    return stored if key == (trial.model.sha256, trial.settings) else None


def _corrected(reports: Sequence[TaskReport], names: Sequence[str]) -> tuple[TaskReport, ...]:
    """Return the reports with the comparisons of each model corrected over the tasks."""
    rows = [corrected([report.comparisons[name] for report in reports]) for name in names]
    columns = [dict(zip(names, column, strict=True)) for column in zip(*rows, strict=True)]
    pairs = zip(reports, columns or [{}] * len(reports), strict=True)
    return tuple(replace(report, comparisons=made) for report, made in pairs)


def _report(task: Task, scored: Sequence[Scored], models: Models) -> TaskReport:
    found = [entry.result.model.name for entry in scored]
    names = dict.fromkeys([*(model.name for model in models), *found])
    groups = {name: group([s for s in scored if s.result.model.name == name]) for name in names}
    base, *others = (groups[model.name] for model in models)
    comparisons = {o.first.result.model.name: compare(base, o) for o in others}
    scores = {name: several.scores for name, several in groups.items()}
    minutes, counts = sum(entry.result.minutes for entry in scored), most_counts(scored)
    return TaskReport(task, primary_metric(task).name, scores, comparisons, counts, minutes)

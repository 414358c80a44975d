"""The second path: fine-tune models on tasks over seeds and compare them."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from domainbert.errors import DataError
from domainbert.pipeline.kept import copy_trial, drop_others, keep, lost
from domainbert.pipeline.trial import Models, ModelTrial, ModelUnderTest
from domainbert.plugin.components import Baseline, LoadedTask, Predictions
from domainbert.plugin.registry import calling, component
from domainbert.recipe.evaluate import EvaluateSection
from domainbert.recipe.schema import Recipe
from domainbert.report.compare import TaskReport
from domainbert.report.results import Result, differing, result_path, save_result, task_entry
from domainbert.report.scored import Scored, find_result, read_result
from domainbert.report.task_reports import corrected_reports, task_report
from domainbert.run.environment import environment
from domainbert.run.folder import RunFolder
from domainbert.run.session import Session
from domainbert.tasks.check import baseline_names
from domainbert.tasks.learned import learned_nothing, says_one_thing
from domainbert.tasks.metrics.score import (
    check_predictions,
    kind_of,
    marked,
    primary_metric,
    score,
)
from domainbert.tasks.trials import (
    Tuned,
    idle_keys,
    run_trials,
    section_of,
    stored_settings,
    tuned_predictions,
    tuned_section,
)

_OF_MODELS = "sha256", "tokenizer", "base", "tokens", "doubt", "blend", "contaminated"
_NOT_OF_MODELS = ("seeded", "starts_from", "date", "source")


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
        A report per task; in other ranks than the first none, nor in a shard if another is missing.

    Raises:
        RunFailed: A fine-tuning run did not stay finite, or a component failed.
        Stopped: A signal; finished trials are kept.
    """
    by_task: dict[str, list[Scored]] = defaultdict(list)
    for scored in run_models(models, tasks, settings, session, recipe):
        by_task[scored.result.task.name].append(scored)
    named = [loaded.task for loaded in tasks if by_task]
    if session.is_main and by_task:
        drop_others(session.run, settings.keep)
    names = [model.name for model in models]
    reports = [task_report(task, by_task[task.name], names) for task in named]
    return corrected_reports(reports, names[1:])


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
    _say_changed(trials, session)
    run = partial(_run, base=models[0].folder, session=session, recipe=recipe)
    again = _without_model(trials, settings, session)

    def finished(trial: ModelTrial) -> Scored | None:
        if trial.path in again:  # once: a full disk must not make it run for ever
            again.discard(trial.path)
            return None
        return _finished(trial)

    return run_trials(trials, session, finished, run)


def borrow(
    run: RunFolder,
    models: Models,
    tasks: Sequence[LoadedTask],
    settings: EvaluateSection,
    session: Session,
) -> None:
    """Copy finished trials of a run, with models that it kept, to an evaluation in another folder.

    Args:
        run: The run that is evaluated.
        models: As in `evaluate`; those of the run have the names that they have there.
        tasks: Read and checked.
        settings: Trials with others are not copied.
        session: Its folder gets what it lacks.
    """
    if not session.is_main or run.path.resolve() == session.run.path.resolve():
        return
    copied = 0
    for trial in (t for loaded in tasks for t in _trials(loaded, models, settings, session)):
        inside = trial.path.relative_to(session.run.results)
        there = replace(trial, path=run.results / inside)
        if _finished(trial) is None and _finished(there) is not None:
            copy_trial(inside, run, session.run, settings.keep != "none")
            copied += 1
    if copied:
        session.reporter.say(f"trials of {run.path} that are finished and copied: {copied:,}")


def _without_model(
    trials: Sequence[ModelTrial], settings: EvaluateSection, session: Session
) -> set[Path]:
    """Return finished results whose fine-tuned model was to be kept and is not there."""
    by_task: dict[str, list[ModelTrial]] = defaultdict(list)
    for trial in trials:
        if trial.model.folder is not None and trial.section.keep != "none":
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


def _trials(
    loaded: LoadedTask, models: Models, settings: EvaluateSection, session: Session
) -> list[ModelTrial]:
    settings = section_of(loaded, settings)
    rows = [(model, settings, settings.seeds) for model in models]
    rows += _others(loaded, models[0], settings)
    trials = []
    for model, section, seeds in rows:
        stored = stored_settings(section, loaded, session) if model.folder else {}
        for seed in seeds:
            path = result_path(session.run.results, loaded.task.name, model.name, seed)
            trials.append(ModelTrial(loaded, model, seed, stored, path, section))
    return trials


def _others(
    loaded: LoadedTask, first: ModelUnderTest, settings: EvaluateSection
) -> Iterator[tuple[ModelUnderTest, EvaluateSection, tuple[int, ...]]]:
    """Yield baselines and predictions made elsewhere, with settings and seeds."""
    for made in loaded.outside:
        model = ModelUnderTest(made.name, sha256=made.sha256, date=made.date, source=made.source)
        yield model, settings, (made.run,)
    for name in baseline_names(loaded, settings.baselines):
        baseline = component(Baseline, name)
        if baseline.tuned:
            section = tuned_section(settings, baseline)
            if section != settings.model_copy(update={"keep": "none"}):  # else it is that model
                yield replace(first, name=name), section, settings.seeds
            continue
        weights = first.sha256 if baseline.predict_with_base else None
        model = ModelUnderTest(name, seeded=baseline.seeded, starts_from=weights)
        yield model, settings, settings.seeds if baseline.seeded else (0,)


def _run(
    trials: Sequence[ModelTrial],
    base: Path | None,
    session: Session,
    recipe: Recipe | None,
) -> None:
    """Fine-tune and score one model with several seeds, and store the results."""
    first, started = trials[0], time.perf_counter()
    for trial, predictions, tuned in _predicted(first, trials, base, session):
        minutes, started = (time.perf_counter() - started) / 60, time.perf_counter()
        task, model = trial.loaded.task, trial.model
        counts = {**trial.loaded.counts, **tuned.counts}
        learner = tuned.candidate if kind_of(task).learns else None
        if learner is not None and says_one_thing(predictions["test"]):
            counts["learned_nothing"] = 1
            session.reporter.say(f"notice: {trial.title}: {learned_nothing(learner)}")
        keys = "name", *_OF_MODELS, *_NOT_OF_MODELS
        run = recipe.name if recipe and model.tokens else None
        about = {"run": run, "parameters": tuned.size or None, "minutes": round(model.minutes, 2)}
        metric = primary_metric(task).name
        scores = {split: score(task, made) for split, made in predictions.items()}
        entry = {
            "model": {**{key: getattr(model, key) for key in keys}, **about},
            "task": task_entry(task),
            "seed": trial.seed,
            "settings": trial.settings,
            "metric": metric,
            "validation": {},
            **scores,
            "chosen": tuned.chosen,
            "counts": counts,
            "in_train": trial.loaded.in_train,
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
    first: ModelTrial, trials: Sequence[ModelTrial], base: Path | None, session: Session
) -> Iterator[tuple[ModelTrial, Predictions, Tuned]]:
    """Yield the predictions of trials of one group; see `tuned_predictions`."""
    model, loaded = first.model, first.loaded
    if model.folder is not None:
        checkpoint = model.folder, model.sha256, model.name
        yield from tuned_predictions(checkpoint, loaded, trials, first.section, session)
        return
    if model.date:
        made = {(one.name, one.run): {"test": one.predictions} for one in loaded.outside}
        yield from ((trial, made[trial.model.name, trial.seed], Tuned()) for trial in trials)
        return
    baseline = component(Baseline, model.name)
    for trial in trials:
        with session.interruptible(), calling(baseline):
            if baseline.predict_with_base and base:
                predictions = baseline.predict_with_base(loaded, trial.seed, base)
            elif baseline.predict:
                predictions = baseline.predict(loaded, trial.seed)
        check_predictions(baseline, loaded, predictions)
        yield trial, marked(loaded, predictions), Tuned()


def _finished(trial: ModelTrial) -> Scored | None:
    """Return the stored result of a trial, or None if it is missing or of another one."""
    stored = find_result(trial.path, trial.loaded.task.metrics, trial.loaded.in_train)
    return None if stored is None or _difference(stored.result, trial) else stored


def _difference(result: Result, trial: ModelTrial) -> str:
    """Return in what a result is not of a trial, or an empty string."""
    if keys := differing([result.task, trial.loaded.task]):
        return f"its task differs in {', '.join(keys)}"
    old = {"tokenizer"} if result.model.tokenizer is None else set()
    for key in ("sha256", "tokenizer", *_NOT_OF_MODELS):
        if key not in old and getattr(result.model, key) != getattr(trial.model, key):
            return f"its model differs in {key}"
    # A result from before a key was known to decide nothing may hold any value of it.
    idle = idle_keys(trial.loaded, trial.section) if trial.settings else set()
    for key in sorted({*result.settings, *trial.settings} - idle):
        was, now = result.settings.get(key), trial.settings.get(key)
        if was != now:
            return f"evaluate.{key} was {json.dumps(was)}, and is {json.dumps(now)}"
    return ""


def _say_changed(trials: Sequence[ModelTrial], session: Session) -> None:
    """Name the results that are there and do not count, such as those of a shard's other recipe."""
    changed = []
    for trial in trials if session.is_main else ():
        with suppress(DataError):
            if why := _difference(read_result(trial.path), trial):
                changed.append(f"{trial.title}: {why}")
    if changed:
        counted = f"results to make again: {len(changed):,} of {len(trials):,}"
        session.reporter.say(f"notice: {counted}, as {changed[0]}")

"""The second path: fine-tune models on tasks over seeds and compare them."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from domainbert.errors import RunFailed
from domainbert.plugin.components import Baseline, LoadedTask, Predictions
from domainbert.plugin.domain import Prediction, Task
from domainbert.plugin.registry import calling, component
from domainbert.recipe.schema import Recipe
from domainbert.recipe.sections import EvaluateSection
from domainbert.report.results import Result, find_result, result_path, save_result
from domainbert.report.statistics import Comparison, Summary, compare, summarise
from domainbert.run.environment import environment
from domainbert.run.session import Session
from domainbert.tasks.metrics.score import check_predictions, kind_of, primary_metric, score

_LOOK = 0.5


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
    """

    name: str
    folder: Path | None = None
    sha256: str | None = None
    base: str | None = None
    tokens: int = 0
    minutes: float = 0.0


@dataclass(frozen=True)
class TaskReport:
    """Scores and comparison on one task.

    Args:
        task: The task.
        metric: Name of the primary metric.
        scores: Name of a model → name of a metric → its values on test over seeds.
        comparison: The second model minus the first, or None for one model.
        counts: Notes on the data.
        minutes: Wall time of all trials together.
    """

    task: Task
    metric: str
    scores: Mapping[str, Mapping[str, Summary]]
    comparison: Comparison | None
    counts: Mapping[str, int]
    minutes: float


@dataclass(frozen=True)
class Trial:
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


def evaluate(
    models: Sequence[ModelUnderTest],
    tasks: Sequence[LoadedTask],
    settings: EvaluateSection,
    session: Session,
    recipe: Recipe | None = None,
) -> tuple[TaskReport, ...]:
    """Score every model on every task with every seed, and the baselines.

    Args:
        models: The second is compared with the first.
        tasks: Read and checked.
        settings: Seeds and fine-tuning.
        session: Device, progress, run folder; finished trials there are not repeated.
        recipe: Of the run, to be named in the results.

    Raises:
        RunFailed: A fine-tuning run did not stay finite, or a component failed.
        Stopped: A signal; finished trials are kept.
    """
    trials = {loaded.task.name: _trials(loaded, models, settings, session) for loaded in tasks}
    rank, world = session.accelerator.process_index, session.accelerator.num_processes
    # Baselines take seconds, so an error in their data shows before the hours of fine-tuning.
    order = sorted(chain(*trials.values()), key=lambda trial: trial.model.folder is not None)
    for trial in order[rank::world]:
        if _finished(trial) is None:
            _run(trial, settings, session, recipe)
    if not session.is_main:
        return ()  # files tell rank 0: a collective operation would wait for the slowest trial
    while any(_finished(trial) is None for trial in order):
        session.check_stop("waiting for other ranks")
        time.sleep(_LOOK)
    return tuple(_report(several, models) for several in trials.values())


def _trials(
    loaded: LoadedTask,
    models: Sequence[ModelUnderTest],
    settings: EvaluateSection,
    session: Session,
) -> list[Trial]:
    names = (*kind_of(loaded.task).baselines(loaded), *loaded.task.baselines)
    pairs = [(model, seed) for seed in settings.seeds for model in models]
    pairs += [(ModelUnderTest(name), 0) for name in dict.fromkeys(names) if settings.baselines]
    precision = "bf16" if session.bf16 else "fp32"
    stored = settings.model_dump(mode="json", exclude={"seeds", "baselines"})
    stored["precision"] = precision
    results, name = session.run.results, loaded.task.name
    return [
        Trial(
            loaded, model, seed, stored if model.folder else {},
            result_path(results, name, model.name, seed),
        )
        for model, seed in pairs
    ]  # fmt: skip


def _run(trial: Trial, settings: EvaluateSection, session: Session, recipe: Recipe | None) -> None:
    """Fine-tune and score one model, and store the result."""
    started = time.perf_counter()
    task, model, counts = trial.loaded.task, trial.model, dict(trial.loaded.counts)
    parameters = None
    if model.folder is None:
        baseline = component(Baseline, model.name)
        with calling(baseline):
            predictions = baseline.predict(trial.loaded, trial.seed)
        check_predictions(baseline, trial.loaded, predictions)
    else:
        predictions, parameters, n_long = _finetune(trial, model.folder, settings, session)
        counts |= {"long_texts": n_long} if n_long else {}
    minutes = (time.perf_counter() - started) / 60
    entry = {
        "model": {
            "name": model.name,
            "run": recipe.name if recipe and model.tokens else None,
            "sha256": model.sha256,
            "base": model.base,
            "parameters": parameters,
            "tokens": model.tokens,
            "minutes": round(model.minutes, 2),
        },
        "task": task_entry(task),
        "seed": trial.seed,
        "settings": trial.settings,
        "metric": primary_metric(task).name,
        "test": score(task, predictions["test"]),
        "validation": score(task, predictions["validation"]),
        "counts": counts,
        "recipe": {"name": recipe.name, "sha256": recipe.hash()} if recipe else None,
        "environment": environment(),
        "minutes": round(minutes, 2),
    }
    result = save_result(trial.path, entry, predictions["test"])
    session.reporter.say(
        f"{task.name}: {model.name}, seed {trial.seed}: {result.metric} "
        f"{100 * result.test[result.metric]:.2f} ({60 * minutes:.0f} s)"
    )


def _finetune(
    trial: Trial, folder: Path, settings: EvaluateSection, session: Session
) -> tuple[Predictions, int, int]:
    """Return predictions, the number of the encoder's weights, and that of long test texts."""
    from domainbert.tasks.finetune import finetune
    from domainbert.tasks.predict import Device, count_long, predict

    loaded = trial.loaded
    device = Device(session.accelerator.device, session.bf16, session.check_stop)
    title = f"{loaded.task.name}: {trial.model.name}, seed {trial.seed}"
    with session.reporter.bar(title, 0) as bar:
        tuned = finetune(folder, loaded, settings, trial.seed, device, bar)
    predictions = predict(tuned)
    check_predictions(tuned.kind, loaded, predictions)
    n_parameters = sum(parameter.numel() for parameter in tuned.model.encoder.parameters())
    return predictions, n_parameters, count_long(tuned, "test")


def _finished(trial: Trial) -> tuple[Result, tuple[Prediction, ...]] | None:
    """Return the stored result of a trial, or None if it is missing or of other settings."""
    stored = find_result(trial.path)
    if stored is None:
        return None
    same = (
        stored[0].model.sha256 == trial.model.sha256
        and task_entry(stored[0].task.task) == task_entry(trial.loaded.task)
        and stored[0].settings == trial.settings
    )
    return stored if same else None


def task_entry(task: Task) -> dict[str, Any]:
    """Return all that the predictions of a task depend on, as results store it."""
    return {
        "name": task.name,
        "version": task.version,
        "domain": task.domain,
        "kind": task.kind,
        "multi_label": task.multi_label,
        "labels": list(task.labels),
        "levels": dict(task.levels),
        "sample": task.sample,
        "data": dict(task.data),
    }


def _report(trials: Sequence[Trial], models: Sequence[ModelUnderTest]) -> TaskReport:
    task = trials[0].loaded.task
    results: list[Result] = []
    predictions: dict[str, list[tuple[Prediction, ...]]] = {}
    for trial in trials:
        stored = _finished(trial)
        if stored is None:
            raise RunFailed(f"{trial.path}: missing or changed while it was evaluated.")
        results.append(stored[0])
        predictions.setdefault(trial.model.name, []).append(stored[1])
    # From the predictions, since a stored result may lack a metric that was added later.
    scores = {name: [score(task, p) for p in several] for name, several in predictions.items()}
    compared = [predictions[model.name] for model in models[:2]]
    metric = primary_metric(task)
    return TaskReport(
        task=task,
        metric=metric.name,
        scores={
            name: {key: summarise([values[key] for values in several]) for key in several[0]}
            for name, several in scores.items()
        },
        comparison=compare(metric, *compared) if len(compared) > 1 else None,
        counts={
            key: max(result.counts.get(key, 0) for result in results)
            for key in sorted({key for result in results for key in result.counts})
        },
        minutes=sum(result.minutes for result in results),
    )

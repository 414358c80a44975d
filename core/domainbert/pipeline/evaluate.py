"""The second path: fine-tune models on tasks over seeds and compare them."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from domainbert.errors import RunFailed
from domainbert.plugin.components import Baseline, LoadedTask, Predictions
from domainbert.plugin.domain import Task
from domainbert.plugin.registry import calling, component
from domainbert.recipe.schema import Recipe
from domainbert.recipe.sections import EvaluateSection
from domainbert.report.compare import TaskReport, compare, group, most_counts
from domainbert.report.results import result_path, save_result, task_entry, task_identity
from domainbert.report.scored import Scored, find_result
from domainbert.run.environment import environment
from domainbert.run.session import Session
from domainbert.tasks.check import baseline_names
from domainbert.tasks.metrics.score import check_predictions, primary_metric, score


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
    """

    name: str
    folder: Path | None = None
    sha256: str | None = None
    base: str | None = None
    tokens: int = 0
    minutes: float = 0.0
    doubt: str = ""


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
        models: The second is compared with the first.
        tasks: Read and checked.
        settings: Seeds and fine-tuning.
        session: Device, progress, run folder; finished trials there are not repeated.
        recipe: Of the run, to be named in the results.

    Raises:
        RunFailed: A fine-tuning run did not stay finite, or a component failed.
        Stopped: A signal; finished trials are kept.
    """
    trials = [trial for loaded in tasks for trial in _trials(loaded, models, settings, session)]
    rank, world = session.accelerator.process_index, session.accelerator.num_processes
    # Baselines take seconds, so an error in their data shows before the hours of fine-tuning.
    order = sorted(trials, key=lambda trial: trial.model.folder is not None)
    for trial in order[rank::world]:
        if _finished(trial) is None:
            _run(trial, settings, session, recipe)
    if not session.is_main:
        return ()  # files tell rank 0: a collective operation would wait for the slowest trial
    scored: dict[str, list[Scored]] = {loaded.task.name: [] for loaded in tasks}
    for trial in trials:
        while (result := _finished(trial)) is None:
            if trial in order[::world]:
                raise RunFailed(f"{trial.path}: missing or changed while it was evaluated.")
            session.check_stop("waiting for other ranks")
            time.sleep(0.5)
        scored[trial.loaded.task.name].append(result)
    return tuple(_report(loaded.task, scored[loaded.task.name], models) for loaded in tasks)


def _trials(
    loaded: LoadedTask, models: Models, settings: EvaluateSection, session: Session
) -> list[Trial]:
    pairs = [(model, seed) for seed in settings.seeds for model in models]
    pairs += [(ModelUnderTest(name), 0) for name in baseline_names(loaded) if settings.baselines]
    stored = settings.model_dump(mode="json", exclude={"seeds", "baselines"})
    stored["precision"] = "bf16" if session.bf16 else "fp32"
    trials = []
    for model, seed in pairs:
        path = result_path(session.run.results, loaded.task.name, model.name, seed)
        trials.append(Trial(loaded, model, seed, stored if model.folder else {}, path))
    return trials


def _run(trial: Trial, settings: EvaluateSection, session: Session, recipe: Recipe | None) -> None:
    """Fine-tune and score one model, and store the result."""
    started = time.perf_counter()
    task, model, counts, size = trial.loaded.task, trial.model, dict(trial.loaded.counts), None
    if model.folder is None:
        baseline = component(Baseline, model.name)
        with calling(baseline):
            predictions = baseline.predict(trial.loaded, trial.seed)
        check_predictions(baseline, trial.loaded, predictions)
    else:
        predictions, size, n_long = _finetune(trial, model.folder, settings, session)
        counts |= {"long_texts": n_long} if n_long else {}
    minutes = (time.perf_counter() - started) / 60
    known = {key: getattr(model, key) for key in ("name", "sha256", "base", "tokens", "doubt")}
    run = recipe.name if recipe and model.tokens else None
    metric = primary_metric(task).name
    entry = {
        "model": {**known, "run": run, "parameters": size, "minutes": round(model.minutes, 2)},
        "task": task_entry(task),
        "seed": trial.seed,
        "settings": trial.settings,
        "metric": metric,
        **{split: score(task, predictions[split]) for split in ("test", "validation")},
        "counts": counts,
        "recipe": {"name": recipe.name, "sha256": recipe.hash()} if recipe else None,
        "environment": environment(),
        "minutes": round(minutes, 2),
    }
    value = save_result(trial.path, entry, predictions["test"]).test[metric]
    session.reporter.say(f"{_title(trial)}: {metric} {100 * value:.2f} ({60 * minutes:.0f} s)")


def _title(trial: Trial) -> str:
    return f"{trial.loaded.task.name}: {trial.model.name}, seed {trial.seed}"


def _finetune(
    trial: Trial, folder: Path, settings: EvaluateSection, session: Session
) -> tuple[Predictions, int, int]:
    """Return predictions, the number of the encoder's weights, and that of long test texts."""
    from domainbert.model.check import check_unchanged
    from domainbert.tasks.finetune import finetune, predict

    loaded = trial.loaded
    check_unchanged(folder, trial.model.sha256, f"model {trial.model.name!r}")
    with session.reporter.bar(_title(trial)) as bar:
        tuned = finetune(folder, loaded, settings, trial.seed, session, bar)
    predictions, kind = predict(tuned), tuned.kind
    check_predictions(kind, loaded, predictions)
    with calling(kind):
        n_long = kind.count_long(loaded.splits["test"], tuned.tokenizer, settings.max_seq_length)
    return predictions, sum(p.numel() for p in tuned.model.encoder.parameters()), n_long


def _finished(trial: Trial) -> Scored | None:
    """Return the stored result of a trial, or None if it is missing or of other settings."""
    stored, task = find_result(trial.path, trial.loaded.task.metrics), trial.loaded.task
    if stored is None or task_identity(stored.result.task) != task_identity(task):
        return None
    key = stored.result.model.sha256, stored.result.settings
    return stored if key == (trial.model.sha256, trial.settings) else None


def _report(task: Task, scored: Sequence[Scored], models: Models) -> TaskReport:
    names = dict.fromkeys(entry.result.model.name for entry in scored)
    groups = {name: group([s for s in scored if s.result.model.name == name]) for name in names}
    compared = [groups[model.name] for model in models[:2]]
    comparison = compare(*compared) if len(compared) > 1 else None
    scores = {name: several.scores for name, several in groups.items()}
    minutes, counts = sum(entry.result.minutes for entry in scored), most_counts(scored)
    return TaskReport(task, primary_metric(task).name, scores, comparison, counts, minutes)

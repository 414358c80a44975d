"""Trials of points between base and adapted model, scored on validation alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from domainbert.errors import RunFailed
from domainbert.plugin.components import LoadedTask
from domainbert.recipe.schema import Recipe
from domainbert.report.results import result_path, task_identity
from domainbert.report.scored import canonical, find_result
from domainbert.run.session import Session
from domainbert.stages.plan import PointStages
from domainbert.storage.files import read_if_whole, write_json_with_hash
from domainbert.tasks.metrics.score import primary_metric, score
from domainbert.tasks.trials import run_trials, section_of, stored_settings, tuned_predictions


@dataclass(frozen=True)
class ValidationTrial:
    """One point on one task with one seed, scored on validation alone.

    Args:
        loaded: The task with its records.
        point: The model.
        seed: Seed of fine-tuning.
        path: File of the result.
    """

    loaded: LoadedTask
    point: PointStages
    seed: int
    path: Path

    @property
    def title(self) -> str:
        """What messages call it."""
        name = self.loaded.task.name
        return f"{name}: α = {self.point.alpha:g}, validation, seed {self.seed}"

    @property
    def group(self) -> tuple[str, ...]:
        """Task and point."""
        return self.loaded.task.name, f"{self.point.alpha:g}"


def validate_points(
    points: Sequence[PointStages], tasks: Sequence[LoadedTask], recipe: Recipe, session: Session
) -> dict[float, dict[str, list[float]]]:
    """Return the scores of points on validation by α and task, one per seed.

    Args:
        points: Their models are there, or rank 0 is writing them.
        tasks: Read and checked.
        recipe: Without the rule `validation` nothing is done.
        session: Its processes share the trials.

    Raises:
        RunFailed: A fine-tuning run did not stay finite.
        Stopped: A signal; finished trials are kept.
    """
    section, settings = recipe.blend, recipe.evaluate
    if section is None or section.choose != "validation":
        return {}
    trials = [
        ValidationTrial(loaded, point, seed, _validation_path(session, loaded, point.alpha, seed))
        for loaded in tasks
        for point in points
        for seed in section_of(loaded, settings).seeds
    ]
    finished = partial(_finished, recipe=recipe, session=session)
    run = partial(_run, recipe=recipe, session=session)
    found: dict[float, dict[str, list[float]]] = {}
    for trial, value in zip(trials, run_trials(trials, session, finished, run), strict=False):
        by_task = found.setdefault(trial.point.alpha, {})
        by_task.setdefault(trial.loaded.task.name, []).append(value)
    return found


def _validation_path(session: Session, loaded: LoadedTask, alpha: float, seed: int) -> Path:
    # Not named like a result, which a leaderboard would take it for.
    return session.run.validation / loaded.task.name / f"{alpha:g}" / f"{seed}.json"


def _run(trials: Sequence[ValidationTrial], recipe: Recipe, session: Session) -> None:
    """Fine-tune one point with several seeds, and keep its scores on validation."""
    point, loaded = trials[0].point, trials[0].loaded
    session.await_stage(point.model)
    # No hash: the stage has just compared those of its files.
    checkpoint, settings = (point.folder, None, f"α = {point.alpha:g}"), recipe.evaluate
    made = tuned_predictions(checkpoint, loaded, trials, settings, session, ["validation"])
    for trial, predictions, _ in made:
        scores = score(loaded.task, predictions["validation"])
        made_from = _made_from(trial, recipe, session)
        write_json_with_hash(trial.path, {**made_from, "validation": scores})
        metric = primary_metric(loaded.task).name
        session.reporter.say(f"{trial.title}: {metric} {100 * scores[metric]:.2f}")


def _made_from(trial: ValidationTrial, recipe: Recipe, session: Session) -> dict[str, Any]:
    """Return what the scores of a trial depend on."""
    return {
        "point": trial.point.model.key,
        "task": task_identity(trial.loaded.task),
        "settings": stored_settings(recipe.evaluate, trial.loaded, session),
    }


def _finished(trial: ValidationTrial, recipe: Recipe, session: Session) -> float | None:
    """Return the score of a trial, or None if it is missing or of another model or settings."""
    kept = read_if_whole(trial.path)
    wanted = _made_from(trial, recipe, session)
    same = canonical({key: kept.get(key) for key in wanted}) == canonical(wanted)
    return float(kept["validation"][primary_metric(trial.loaded.task).name]) if same else None


def of_result(session: Session, loaded: LoadedTask, name: str, recipe: Recipe) -> list[float]:
    """Return the validation scores that the trials of a model have left in `results/`."""
    metric, values = primary_metric(loaded.task).name, []
    for seed in section_of(loaded, recipe.evaluate).seeds:
        path = result_path(session.run.results, loaded.task.name, name, seed)
        if (found := find_result(path)) is None:
            raise RunFailed(f"{path}: missing or changed while points were compared.")
        values.append(found.result.validation[metric])
    return values

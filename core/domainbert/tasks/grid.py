"""`evaluate.grid`: rate and epochs that a model takes for a task, chosen on validation."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path

from domainbert.recipe.evaluate import EvaluateSection, GridSection
from domainbert.storage.files import read_if_whole, write_json_with_hash
from domainbert.tasks.candidate import Candidate, validation_score
from domainbert.tasks.finetune import finetune

SEED = 0
"""Seed of all fits of a grid."""


def grid_settings(settings: EvaluateSection, grid: GridSection) -> list[EvaluateSection]:
    """Return the settings of each point of a grid."""
    rates = grid.learning_rate or (settings.learning_rate,)
    epochs = grid.epochs or (settings.epochs,)
    changes = [{"learning_rate": r, "epochs": e} for r, e in product(rates, epochs)]
    return [settings.model_copy(update=change) for change in changes]


def choose_point(candidate: Candidate, grid: GridSection, title: str, path: Path) -> Candidate:
    """Return the candidate with the rate and the epochs of its best point.

    Of equal scores the first point counts. Scores are kept, so that a continued run repeats none.

    Args:
        candidate: From `prepare`, with windows of validation.
        grid: Its points.
        title: What messages call the model on the task.
        path: File of the scores; its name has to differ for other weights, data and settings.

    Raises:
        RunFailed: The loss of a fit is not finite, or the task's kind fails.
        Stopped: A signal; scores of finished fits are kept.
    """
    session, scores = candidate.session, dict(read_if_whole(path).get("scores", {}))
    points = {
        f"rate {point.learning_rate:g}, epochs {point.epochs}": point
        for point in grid_settings(candidate.settings, grid)
    }
    for name in [name for name in points if name not in scores]:
        with session.reporter.bar(f"{title}: grid, {name}") as bar:
            tuned = finetune(replace(candidate, settings=points[name]), SEED, bar)
        scores[name] = validation_score(tuned)
        write_json_with_hash(path, {"scores": scores})
    best = max(points, key=lambda name: scores[name])
    session.reporter.say(f"{title}: the grid took {best} ({100 * scores[best]:.2f} on validation)")
    return replace(candidate, settings=points[best])

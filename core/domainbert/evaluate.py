"""The second path: fine-tune models on tasks over seeds and compare them."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from domainbert.errors import RunFailed
from domainbert.recipe.schema import Recipe
from domainbert.recipe.sections import EvaluateSection
from domainbert.report.results import Result, find_result, result_path, save_result
from domainbert.report.statistics import Comparison, Summary, compare, summarise
from domainbert.run.environment import environment
from domainbert.run.session import Session
from domainbert.tasks.load import LoadedTask
from domainbert.tasks.metrics.score import Prediction, primary_counts, primary_metric, score

_LOOK = 0.5


@dataclass(frozen=True)
class Candidate:
    """A model to be scored, or a baseline.

    Args:
        name: What the table calls it; a baseline's name in `tasks.baselines`.
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
    """What came out on one task.

    Args:
        task: The task.
        metric: Name of the headline.
        scores: Name of a model → name of a metric → its values on test over seeds.
        comparison: The second model against the first, or None for one model.
        counts: What was noticed about the data.
        minutes: Wall time of all cells together.
    """

    task: LoadedTask
    metric: str
    scores: Mapping[str, Mapping[str, Summary]]
    comparison: Comparison | None
    counts: Mapping[str, int]
    minutes: float


@dataclass(frozen=True)
class Trial:
    """One model on one task with one seed, and how it is scored.

    Args:
        task: Read and checked.
        candidate: The model.
        seed: Of fine-tuning.
        settings: Of fine-tuning.
        recipe: Of the run, if there is one.
    """

    task: LoadedTask
    candidate: Candidate
    seed: int
    settings: EvaluateSection
    recipe: Recipe | None


def evaluate(
    candidates: Sequence[Candidate],
    tasks: Sequence[LoadedTask],
    settings: EvaluateSection,
    session: Session,
    recipe: Recipe | None = None,
) -> tuple[TaskReport, ...]:
    """Score every candidate on every task with every seed, and the baselines.

    Args:
        candidates: The first is the one that the second is compared with.
        tasks: Read and checked.
        settings: Seeds and fine-tuning.
        session: Device, progress, run folder; finished cells found there are not repeated.
        recipe: Of the run, to be named in the results.

    Raises:
        RunFailed: A fine-tuning run did not stay finite.
        Stopped: A signal; finished cells are kept.
    """
    cells = [
        Trial(task, candidate, seed, settings, recipe)
        for task in tasks
        for candidate, seed in _candidates_and_seeds(task, candidates, settings)
    ]
    rank, world = session.accelerator.process_index, session.accelerator.num_processes
    # Baselines take seconds, so what is wrong with their data shows before the hours.
    order = sorted(cells, key=lambda cell: cell.candidate.folder is not None)
    for cell in order[rank::world]:
        if _finished(cell, session) is None:
            _run(cell, session)
    if not session.is_main:
        return ()  # files tell rank 0: a collective operation would wait for the slowest trial
    while any(_finished(cell, session) is None for cell in cells):
        session.check_stop("waiting for other ranks")
        time.sleep(_LOOK)
    return tuple(
        _report(task, candidates, [cell for cell in cells if cell.task is task], session)
        for task in tasks
    )


def _candidates_and_seeds(
    task: LoadedTask, candidates: Sequence[Candidate], settings: EvaluateSection
) -> list[tuple[Candidate, int]]:
    from domainbert.tasks.baselines import BASELINES

    pairs = [(candidate, seed) for seed in settings.seeds for candidate in candidates]
    if task.scoring.kind == "classification" and settings.baselines:
        pairs += [(Candidate(name), 0) for name in BASELINES]
    return pairs


def _run(cell: Trial, session: Session) -> None:
    """Fine-tune and score one cell, and store the result."""
    started = time.perf_counter()
    counts = dict(cell.task.counts)
    parameters = None
    if cell.candidate.folder is None:
        predictions = _predict_baseline(cell)
    else:
        predictions, parameters, n_long = _finetune_and_predict(
            cell.candidate.folder, cell, session
        )
        counts |= {"long_texts": n_long} if n_long else {}
    scores = {split: score(cell.task.scoring, found) for split, found in predictions.items()}
    minutes = (time.perf_counter() - started) / 60
    entry = {
        "model": _model_entry(cell, parameters),
        "task": _task_entry(cell.task),
        "seed": cell.seed,
        "settings": _settings(cell, session),
        "metric": primary_metric(cell.task.scoring),
        "test": scores["test"],
        "validation": scores["validation"],
        "counts": counts,
        "recipe": _recipe_entry(cell.recipe),
        "environment": environment(),
        "minutes": round(minutes, 2),
    }
    result = save_result(_path(cell, session), entry, predictions["test"])
    session.reporter.say(
        f"{cell.task.name}: {cell.candidate.name}, seed {cell.seed}: {result.metric} "
        f"{100 * result.test[result.metric]:.2f} ({60 * minutes:.0f} s)"
    )


def _predict_baseline(cell: Trial) -> Mapping[str, Sequence[Prediction]]:
    from domainbert.tasks.baselines import BASELINES

    return BASELINES[cell.candidate.name](cell.task)


def _finetune_and_predict(
    folder: Path, cell: Trial, session: Session
) -> tuple[Mapping[str, Sequence[Prediction]], int, int]:
    """Return predictions, the number of the encoder's weights, and that of long test texts."""
    from domainbert.tasks.finetune import finetune
    from domainbert.tasks.predict import Device, long_texts, predict

    task, settings = cell.task, cell.settings
    device = Device(session.accelerator.device, session.bf16, session.check_stop)
    title = f"{task.name}: {cell.candidate.name}, seed {cell.seed}"
    with session.reporter.bar(title, 0) as bar:
        tuned = finetune(folder, task, settings, cell.seed, device, bar)
    return predict(tuned), tuned.parameters, long_texts(tuned, "test")


def _finished(cell: Trial, session: Session) -> tuple[Result, tuple[Prediction, ...]] | None:
    """Return the stored result of a trial, or None if it is missing or of other settings."""
    found = find_result(_path(cell, session))
    if found is None:
        return None
    same = (
        found[0].model.sha256 == cell.candidate.sha256
        and found[0].task.model_dump() == _task_entry(cell.task)
        and found[0].settings == _settings(cell, session)
    )
    return found if same else None


def _path(cell: Trial, session: Session) -> Path:
    return result_path(session.run.results, cell.task.name, cell.candidate.name, cell.seed)


def _model_entry(cell: Trial, parameters: int | None) -> dict[str, Any]:
    candidate = cell.candidate
    return {
        "name": candidate.name,
        "run": cell.recipe.name if cell.recipe and candidate.tokens else None,
        "sha256": candidate.sha256,
        "base": candidate.base,
        "parameters": parameters,
        "tokens": candidate.tokens,
        "minutes": round(candidate.minutes, 2),
    }


def _task_entry(task: LoadedTask) -> dict[str, Any]:
    scoring = task.scoring
    return {
        "name": task.name,
        "version": task.version,
        "domain": task.domain,
        "kind": scoring.kind,
        "multi_label": scoring.multi_label,
        "labels": list(scoring.labels),
        "levels": dict(scoring.levels),
        "sample": task.sample,
        "data": dict(task.sha256),
    }


def _recipe_entry(recipe: Recipe | None) -> dict[str, str] | None:
    return {"name": recipe.name, "sha256": recipe.hash()} if recipe else None


def _settings(cell: Trial, session: Session) -> dict[str, Any]:
    if cell.candidate.folder is None:
        return {}
    chosen = cell.settings.model_dump(mode="json", exclude={"seeds", "baselines"})
    return {**chosen, "precision": "bf16" if session.bf16 else "fp32"}


def _report(
    task: LoadedTask, candidates: Sequence[Candidate], cells: Sequence[Trial], session: Session
) -> TaskReport:
    found: dict[str, list[Result]] = {}
    predictions: dict[str, list[Sequence[Prediction]]] = {}
    for cell in cells:
        stored = _finished(cell, session)
        if stored is None:
            raise RunFailed(f"{_path(cell, session)}: missing or changed while it was evaluated.")
        found.setdefault(cell.candidate.name, []).append(stored[0])
        predictions.setdefault(cell.candidate.name, []).append(stored[1])
    results = [result for several in found.values() for result in several]
    metric = primary_metric(task.scoring)
    counts = [
        np.stack([primary_counts(task.scoring, p) for p in predictions[candidate.name]])
        for candidate in candidates
    ]
    return TaskReport(
        task=task,
        metric=metric,
        scores={
            name: {key: summarise([r.test[key] for r in several]) for key in several[0].test}
            for name, several in found.items()
        },
        comparison=compare(counts[0], counts[1]) if len(counts) > 1 else None,
        counts={
            key: max(result.counts.get(key, 0) for result in results)
            for key in sorted({key for result in results for key in result.counts})
        },
        minutes=sum(result.minutes for result in results),
    )

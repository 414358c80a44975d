"""The second path: fine-tune models on tasks over seeds and compare them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from domainbert.errors import RunFailed
from domainbert.recipe import EvaluateSection
from domainbert.report.results import Result, load_result, result_path, save_result
from domainbert.report.statistics import Comparison, Summary, compare, summarise
from domainbert.session import Session
from domainbert.tasks.load import TaggingTask
from domainbert.tasks.metrics import entity_counts, score_entities


@dataclass(frozen=True)
class Candidate:
    """A model to be scored.

    Args:
        name: What the table calls it.
        folder: Checkpoint with encoder and tokenizer.
        sha256: Hash of its weights.
    """

    name: str
    folder: Path
    sha256: str


@dataclass(frozen=True)
class TaskReport:
    """What came out on one task.

    Args:
        task: The task.
        strict: Strict F1 on test of each model, over seeds.
        default: F1 as conlleval counts, of each model.
        comparison: The second model against the first, or None for one model.
        seconds: Wall time of all cells together.
    """

    task: TaggingTask
    strict: dict[str, Summary]
    default: dict[str, Summary]
    comparison: Comparison | None
    seconds: float


def evaluate(
    candidates: Sequence[Candidate],
    tasks: Sequence[TaggingTask],
    settings: EvaluateSection,
    session: Session,
) -> tuple[TaskReport, ...]:
    """Score every candidate on every task with every seed.

    Args:
        candidates: The first is the one that the second is compared with.
        tasks: Read and checked.
        settings: Seeds and fine-tuning.
        session: Device, progress, run folder; finished cells found there are not repeated.

    Raises:
        RunFailed: A fine-tuning run did not stay finite.
        Stopped: A signal; finished cells are kept.
    """
    cells = [(task, cand, seed) for task in tasks for seed in settings.seeds for cand in candidates]
    rank, world = session.accelerator.process_index, session.accelerator.num_processes
    for task, candidate, seed in cells[rank::world]:
        _run_cell(task, candidate, seed, settings, session)
    session.accelerator.wait_for_everyone()
    return tuple(_report(task, candidates, settings, session) for task in tasks)


def _run_cell(
    task: TaggingTask, candidate: Candidate, seed: int, settings: EvaluateSection, session: Session
) -> None:
    path = result_path(session.run.results, task.name, candidate.name, seed)
    known = load_result(path)
    if known is not None and _is_of(known, task, candidate, settings, session):
        return
    started = time.perf_counter()
    tags = _finetune_and_predict(task, candidate, seed, settings, session)
    scores = {
        split: score_entities([s.tags for s in task.splits[split]], guess)
        for split, guess in tags.items()
    }
    result = Result(
        model=candidate.name,
        model_sha256=candidate.sha256,
        task=task.name,
        task_version=task.version,
        task_sha256=dict(task.sha256),
        seed=seed,
        settings=_settings(settings, session),
        test=scores["test"],
        validation=scores["validation"],
        seconds=round(time.perf_counter() - started, 1),
        predictions=tuple(tuple(sentence) for sentence in tags["test"]),
    )
    save_result(path, result, task.splits["test"])
    session.reporter.say(
        f"{task.name}: {candidate.name}, seed {seed}: F1 {100 * result.test.f1:.2f} "
        f"({result.seconds:.0f} s)"
    )


def _finetune_and_predict(
    task: TaggingTask, candidate: Candidate, seed: int, settings: EvaluateSection, session: Session
) -> dict[str, list[list[str]]]:
    """Return the predicted tags of validation and test split."""
    from domainbert.tasks.finetune import Device, finetune, predict

    device = Device(session.accelerator.device, session.bf16, session.check_stop)
    steps = settings.epochs * -(-len(task.splits["train"]) // settings.batch_size)
    with session.reporter.bar(f"{task.name}: {candidate.name}, seed {seed}", steps) as bar:
        model = finetune(candidate.folder, task, settings, seed, device, bar)
    length = settings.max_length
    return {
        split: predict(model, candidate.folder, task.splits[split], task, length, device)
        for split in ("validation", "test")
    }


def _is_of(
    known: Result, task: TaggingTask, candidate: Candidate, settings: EvaluateSection,
    session: Session,
) -> bool:  # fmt: skip
    return (
        known.model_sha256 == candidate.sha256
        and known.task_sha256 == dict(task.sha256)
        and known.task_version == task.version
        and known.settings == _settings(settings, session)
    )


def _settings(settings: EvaluateSection, session: Session) -> dict[str, Any]:
    precision = "bf16" if session.bf16 else "fp32"
    return {**settings.model_dump(mode="json", exclude={"seeds"}), "precision": precision}


def _report(
    task: TaggingTask,
    candidates: Sequence[Candidate],
    settings: EvaluateSection,
    session: Session,
) -> TaskReport:
    results: dict[str, list[Result]] = {}
    for candidate in candidates:
        for seed in settings.seeds:
            path = result_path(session.run.results, task.name, candidate.name, seed)
            result = load_result(path)
            if result is None:
                raise RunFailed(f"{path}: missing or changed while the evaluation ran.")
            results.setdefault(candidate.name, []).append(result)
    gold = [sentence.tags for sentence in task.splits["test"]]
    counts = {
        name: np.stack([entity_counts(gold, result.predictions) for result in found])
        for name, found in results.items()
    }
    names = [candidate.name for candidate in candidates]
    return TaskReport(
        task=task,
        strict={n: summarise([r.test.f1 for r in results[n]]) for n in names},
        default={n: summarise([r.test.default_f1 for r in results[n]]) for n in names},
        comparison=compare(counts[names[0]], counts[names[1]]) if len(names) > 1 else None,
        seconds=sum(result.seconds for found in results.values() for result in found),
    )

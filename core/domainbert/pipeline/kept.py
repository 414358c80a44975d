"""The fine-tuned models of a run: `tasks/TASK/MODEL-seed-N/`, of the trials that were scored."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from domainbert.errors import StorageError
from domainbert.model.classifier import in_units
from domainbert.model.task_model import ABOUT, save_task_model
from domainbert.plugin.registry import calling
from domainbert.report.results import result_path, task_entry
from domainbert.report.scored import canonical, find_result
from domainbert.run.folder import RunFolder
from domainbert.run.session import Session
from domainbert.storage.files import read_json, write_text
from domainbert.tasks.candidate import Candidate, score_windows
from domainbert.tasks.metrics.score import primary_metric
from domainbert.tasks.read import inputs_of

SCHEMA = 1
"""Version of `task.json`."""


def kept_models(run: RunFolder, task: str = "*") -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield folder and `task.json` of the fine-tuned models of a run, of one task or of all."""
    for path in sorted(run.kept.glob(f"{task}/[!.]*/{ABOUT}")):
        with suppress(FileNotFoundError):  # another process has just removed it
            yield path.parent, read_json(path)


def keep(
    tuned: Candidate, about: Mapping[str, Any], validation: Mapping[str, float], session: Session
) -> None:
    """Keep the model of a trial, if its recipe says so and it is the best so far.

    It is called before the result is written: a trial that has one was kept, if it was to be.

    Args:
        tuned: The model that was scored.
        about: Name of the `model`, hash of its `encoder`, `seed`, and the stored `settings`.
        validation: Its scores on validation.
        session: Run folder and voice.
    """
    task, rule = tuned.loaded.task, tuned.settings.keep
    if rule == "none":
        return
    metric = primary_metric(task).name
    others = [item for item in kept_models(session.run, task.name) if _is_scored(*item)]
    if rule == "best" and any(_score(other) >= validation[metric] for _, other in others):
        return
    kind = tuned.kind
    with calling(kind):
        labels, head = kind.outputs(task), kind.head(tuned.settings)
        needed = kind.has_threshold(task)
        rows = score_windows(tuned, tuned.windows["validation"]) if needed else None
        threshold = kind.threshold(task, tuned.loaded.splits["validation"], rows) if rows else None
    content = {
        "schema": SCHEMA, "head": head, "several": task.multi_label, "task": task_entry(task),
        "metric": metric, "validation": dict(validation), "threshold": threshold, **about,
    }  # fmt: skip
    if kind.unlabelled is not None:
        content["inputs"] = [*inputs_of(kind, tuned.loaded.splits["validation"][0])]
        content["columns"] = dict(task.columns)
    model = tuned.model
    if tuned.units is not None:
        model, content = in_units(model, *tuned.units), {**content, "problem": "regression"}
    folder = session.run.kept / task.name / f"{about['model']}-seed-{about['seed']}"
    try:
        save_task_model(model, tuned.tokenizer, labels, folder, content, tuned.adapter)
    except StorageError as error:  # the result is there; only the model is not
        session.reporter.say(f"notice: {folder}: the fine-tuned model is missing: {error}")


def lost(
    run: RunFolder, rule: str, task: str, find_scored: Callable[[], Mapping[Path, float]]
) -> set[Path]:
    """Return results whose model was to be kept and is not there, as after `rm -r tasks`.

    Args:
        run: The run.
        rule: `evaluate.keep` of the recipe.
        task: Name of a task.
        find_scored: Reads the finished results of fine-tuned models, and returns their primary
            metric on validation; called only if it decides.
    """
    if rule == "none":
        return set()
    kept = {f.name for f, about in kept_models(run, task) if _is_scored(f, about)}
    if rule == "best" and kept:
        return set()
    scored = find_scored()
    if rule == "all":
        return {path for path in scored if path.stem not in kept}
    return {max(scored, key=lambda path: scored[path])} if scored else set()


def drop_others(run: RunFolder, rule: str) -> None:
    """Remove models of trials whose result is another by now, and, of each task, all but the best.

    Args:
        run: The run.
        rule: `evaluate.keep` of the recipe.
    """
    current: dict[str, list[tuple[float, Path]]] = {}
    for folder, about in list(kept_models(run)):
        if _is_scored(folder, about):
            current.setdefault(folder.parent.name, []).append((_score(about), folder))
        else:
            shutil.rmtree(folder, ignore_errors=True)
    for scored in current.values() if rule == "best" else ():
        for _, folder in sorted(scored)[:-1]:
            shutil.rmtree(folder, ignore_errors=True)


def drop_blends(session: Session, current: Collection[str | None]) -> None:
    """Remove the results of a blend that the run handed over before and does not any more.

    Args:
        session: Run folder and voice.
        current: Hash of the weights of the blend of today, if there is one.
    """
    for path in session.run.results.glob("*/blend-seed-*.json") if session.is_main else ():
        found = find_result(path)
        if found is not None and found.result.model.sha256 not in current:
            session.reporter.say(f"notice: {path} is of another blend and was removed")
            path.unlink()
            path.with_suffix(".jsonl").unlink(missing_ok=True)


def copy_trial(trial: Path, source: RunFolder, target: RunFolder, with_model: bool) -> None:
    """Copy the result of a trial to another folder, and its model if it was kept.

    Args:
        trial: Path of the result within `results`.
        source: Where it is finished.
        target: Where it goes.
        with_model: Whether the model is copied, too.
    """
    model = trial.with_suffix("")
    if with_model and (source.kept / model).is_dir():
        shutil.copytree(source.kept / model, target.kept / model, dirs_exist_ok=True)
    for suffix in (".jsonl", ".json"):  # the result last: it says that the rest is there
        text = (source.results / trial).with_suffix(suffix).read_text("utf-8")
        write_text((target.results / trial).with_suffix(suffix), text)


def best_model(run: RunFolder, task: str | None) -> tuple[Path, dict[str, Any]] | None:
    """Return the kept model with the best score on validation, of one task or of all."""
    found = list(kept_models(run, task or "*"))
    return max(found, key=lambda item: _score(item[1]), default=None)


def _score(about: Mapping[str, Any]) -> float:
    return float(about["validation"].get(about["metric"], 0.0))


def _is_scored(folder: Path, about: Mapping[str, Any]) -> bool:
    """Return whether the result of a kept model is still that of the same trial."""
    run = folder.parents[2]
    path = result_path(RunFolder(run).results, folder.parent.name, about["model"], about["seed"])
    if (found := find_result(path)) is None:
        return False
    key = found.result.model.sha256, canonical(found.result.settings)
    return key == (about["encoder"], canonical(about["settings"]))

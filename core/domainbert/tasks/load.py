"""From the recipe's `tasks:` section to checked records in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from domainbert.errors import DataError, PluginError, RecipeError
from domainbert.plugin.components import Baseline, LoadedTask
from domainbert.plugin.domain import DataFile, Domain, Task
from domainbert.plugin.registry import calling, component
from domainbert.recipe.sections import TaskSection
from domainbert.storage.download import Progress, locate
from domainbert.storage.files import sha256_file
from domainbert.tasks.check import check_records, found_labels, plain_text
from domainbert.tasks.metrics.score import kind_of, metric_names, metric_of

SPLITS = ("train", "validation", "test")


def load_task(
    section: TaskSection, domain: Domain | None, folder: Path, progress: Progress | None = None
) -> LoadedTask:
    """Find, read and check one task.

    Args:
        section: The recipe's entry.
        domain: Where a task without files is looked up.
        folder: Relative paths start here.
        progress: Receives the progress of downloads.

    Raises:
        RecipeError: No such task, kind, metric or baseline.
        DataError: A file is missing or malformed, or labels do not agree.
    """
    task = _own_task(section, folder) if section.kind else _declared_task(section.name, domain)
    task = replace(
        task,
        metrics=(*task.metrics, *section.metrics),
        baselines=(*task.baselines, *section.baselines),
    )
    _check_names(task)
    paths = {split: _located(task.splits[split], progress) for split in SPLITS}
    loaded = _load(task, paths)
    return replace(loaded, terms=domain.terms.read() if domain and domain.terms else ())


def _own_task(section: TaskSection, folder: Path) -> Task:
    names = {"name", "kind", "labels", "multi_label", "levels"}
    return Task(
        title="",
        licence="as of your files",
        origin="your files",
        version="own",
        splits={split: folder / str(getattr(section, split)) for split in SPLITS},
        **section.model_dump(include=names),
    )


def _declared_task(name: str, domain: Domain | None) -> Task:
    if domain is None:
        raise RecipeError(
            f"tasks: unknown task {name!r}; the recipe names no domain; "
            "your own task needs kind, train, validation and test."
        )
    tasks = {task.name: task for task in domain.tasks}
    if name not in tasks:
        names = ", ".join(sorted(tasks)) or "none"
        raise RecipeError(f"tasks: unknown task {name!r}; domain {domain.name!r} has: {names}.")
    return replace(tasks[name], domain=domain.name)


def _check_names(task: Task) -> None:
    """Refuse a kind, metric or baseline that no plugin provides, before any file is read."""
    try:
        wrong = kind_of(task).check_task(task)
        for name in metric_names(task):
            metric_of(task, name)
        for name in task.baselines:
            component(Baseline, name)
    except PluginError as error:
        raise RecipeError(f"tasks: {task.name!r}: {error}") from None
    if wrong:
        raise RecipeError(f"tasks: {task.name!r}: {wrong}.")


def _located(file: DataFile | Path, progress: Progress | None) -> Path:
    return file if isinstance(file, Path) else locate(file, progress)


def _load(task: Task, paths: Mapping[str, Path]) -> LoadedTask:
    kind, read, counts = kind_of(task), reader_of(task), Counter[str]()
    splits = {}
    for split in SPLITS:
        with calling(task if task.read else kind, paths[split]):
            records = tuple(read(paths[split], split))
        with calling(kind):
            check_records(kind, task, records, paths[split])
            splits[split] = tuple(kind.repair(record, counts) for record in records)
    labels = {split: found_labels(kind, records) for split, records in splits.items()}
    data = {split: sha256_file(path) for split, path in paths.items()}
    complete = replace(task, labels=tuple(task.labels) or labels["train"], data=data)
    with calling(kind):
        wrong = kind.check_labels(complete, bool(task.labels), labels)
    if wrong:
        raise DataError(f"task {task.name!r}: {paths[wrong[0]]} {wrong[1]}.")
    train = {plain_text(kind, record) for record in splits["train"]}
    counts["unseen_labels"] = len(set().union(*labels.values()) - set(labels["train"]))
    counts["test_in_train"] = sum(plain_text(kind, r) in train for r in splits["test"])
    return LoadedTask(complete, splits, dict(+counts))


def reader_of(task: Task) -> Callable[[Path, str], Iterable[Any]]:
    """Return the task's reader, or the one for its kind."""
    return task.read or (lambda path, _split: kind_of(task).read(path, task))

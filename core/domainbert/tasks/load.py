"""From the recipe's `tasks:` section to checked records in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from domainbert.errors import DataError, PluginError, RecipeError
from domainbert.plugin.components import Baseline, LoadedTask, TaskKind
from domainbert.plugin.domain import Domain, Task
from domainbert.plugin.registry import calling, component
from domainbert.recipe.sections import TaskSection
from domainbert.storage.download import Progress, locate
from domainbert.storage.files import expand_user, sha256_file
from domainbert.tasks.check import checked_records, found_labels, plain_text
from domainbert.tasks.metrics.score import kind_of, metric_names, metric_of
from domainbert.tasks.shares import label_budget, share_out

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
    more: Any = {k: (*getattr(task, k), *getattr(section, k)) for k in ("metrics", "baselines")}
    task = replace(task, **more)
    kind = _checked_kind(task)
    files = [(split, task.splits[split]) for split in SPLITS]
    paths = {s: file if isinstance(file, Path) else locate(file, progress) for s, file in files}
    splits, counts = {}, Counter[str]()
    for split, path in paths.items():
        with calling(task if task.read else kind, path):
            records = tuple(task.read(path, split) if task.read else kind.read(path, task))
        with calling(kind):
            splits[split] = checked_records(kind, task, records, path, counts)
    labels = {split: found_labels(kind, records) for split, records in splits.items()}
    data = {split: sha256_file(path) for split, path in paths.items()}
    complete = replace(task, labels=tuple(task.labels) or labels["train"], data=data)
    with calling(kind):
        wrong = kind.check_labels(complete, bool(task.labels), labels)
    if not wrong and section.train_records is not None:
        complete, splits["train"] = _budgeted(complete, kind, splits["train"], section)
        labels["train"] = found_labels(kind, splits["train"])
        with calling(kind):
            wrong = kind.check_labels(complete, bool(task.labels), labels)
    if wrong:
        raise DataError(f"task {complete.name!r}: {paths[wrong[0]]} {wrong[1]}.")
    train = {plain_text(kind, record) for record in splits["train"]}
    counts["unseen_labels"] = len(set().union(*labels.values()) - set(labels["train"]))
    counts["test_in_train"] = sum(plain_text(kind, r) in train for r in splits["test"])
    terms = domain.terms.read() if domain and domain.terms else ()
    return LoadedTask(complete, splits, dict(+counts), terms)


def _budgeted(
    task: Task, kind: TaskKind, train: tuple[Any, ...], section: TaskSection
) -> tuple[Task, tuple[Any, ...]]:
    """Return the task under the name of its label budget, and the records within it.

    Raises:
        DataError: There are not as many records, or the task has more labels than that.
    """
    wanted = section.train_records or 0
    key = f"task {task.name!r}: train_records: {wanted:,}"
    if wanted > len(train):
        raise DataError(f"{key}, but the training split has {len(train):,} {kind.noun}s.")
    if wanted < len(task.labels):
        raise DataError(f"{key}, but it has {len(task.labels):,} labels; give one each at least.")
    with calling(kind):
        kept = label_budget(train, kind.text, wanted)
    return replace(task, name=section.full_name, train_records=wanted), kept


def _own_task(section: TaskSection, folder: Path) -> Task:
    names = {split: getattr(section, split) or section.file for split in SPLITS}
    splits = {split: folder / expand_user(str(name)) for split, name in names.items()}
    more: Any = section.model_dump(include={"labels", "multi_label", "levels"})
    given = {"text": section.text_field, "label": section.label_field}
    more["columns"] = {name: column for name, column in given.items() if name != column}
    version = "own"
    if section.splits is not None:
        shares = section.splits.model_dump()
        version = "own, " + ", ".join(f"{split} {share:g}" for split, share in shares.items())
    about = "as of your files", "your files", version
    task = Task(section.name, "", str(section.kind), *about, splits, **more)
    return task if section.splits is None else replace(task, read=partial(_shared, task, shares))


def _shared(task: Task, shares: Mapping[str, float], path: Path, split: str) -> list[Any]:
    """Return the records of one split of a file that all splits share."""
    kind = kind_of(task)
    with calling(kind, path):
        return share_out(list(kind.read(path, task)), kind.text, shares)[split]


def _declared_task(name: str, domain: Domain | None) -> Task:
    tasks = {task.name: task for task in domain.tasks} if domain else {}
    if domain is None or name not in tasks:
        known = "the recipe names no domain; your own task needs kind, train, validation and test"
        if domain:
            known = f"domain {domain.name!r} has: {', '.join(sorted(tasks)) or 'none'}"
        raise RecipeError(f"tasks: unknown task {name!r}; {known}.")
    return replace(tasks[name], domain=domain.name)


def _checked_kind(task: Task) -> TaskKind:
    """Refuse a kind, metric or baseline that no plugin provides, before any file is read."""
    try:
        wrong = kind_of(task).check_task(task)
        for name in metric_names(task):
            metric_of(task, name)
        for name in task.baselines:
            component(Baseline, name)
    except PluginError as error:
        wrong = str(error).removesuffix(".")
    if wrong:
        raise RecipeError(f"tasks: {task.name!r}: {wrong}.")
    return kind_of(task)

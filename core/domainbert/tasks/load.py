"""From the recipe's `tasks:` section to checked records in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from inspect import signature
from itertools import chain
from pathlib import Path
from typing import Any

from domainbert.errors import DataError, PluginError, RecipeError, listed
from domainbert.plugin.components import Baseline, LoadedTask, TaskKind
from domainbert.plugin.domain import Domain, Task
from domainbert.plugin.registry import Registry, calling, component
from domainbert.recipe.tasks import SPLITS, TaskSection
from domainbert.storage.files import sha256_of
from domainbert.storage.locate import Fetcher, data_sha256
from domainbert.tasks.check import (
    Labels,
    Splits,
    checked_records,
    find_in_train,
    foreign_columns,
    found_labels,
    wrong_count,
)
from domainbert.tasks.metrics.score import check_metrics, kind_of
from domainbert.tasks.outside import load_outside
from domainbert.tasks.places import find_splits
from domainbert.tasks.read import check_format, files_of, read_records
from domainbert.tasks.shares import label_budget, share_out


def domain_of(section: TaskSection, domain: str | None, registry: Registry) -> Domain | None:
    """Return the domain of a task: its own, else that of the recipe."""
    name = section.domain or domain
    return registry.domain(name) if name else None


def load_task(
    section: TaskSection, domain: Domain | None, folder: Path, fetcher: Fetcher | None = None
) -> LoadedTask:
    """Find, read and check one task.

    Args:
        section: The recipe's entry.
        domain: Where a task without files is looked up.
        folder: Relative paths start here.
        fetcher: Fetches what is not here.

    Raises:
        RecipeError: No such task, kind, format, metric or baseline.
        DataError: A file is missing or malformed, or labels do not agree.
    """
    fetcher = fetcher or Fetcher()
    task, tested = _named_tasks(section, domain)
    kind, counts = _checked_kind(task), Counter[str]()
    if section.kind:
        paths, cut = find_splits(section, folder, fetcher)
        _check_train(section, kind, paths)
        task = replace(task, splits=paths, version=_version(section, cut))
        read = _cut_splits(task, kind, paths, cut, section, counts)
    else:
        _check_train(section, kind, task.splits)
        paths = {split: fetcher.path(place) for split, place in task.splits.items()}
        own = {split: path for split, path in paths.items() if split != "test"}
        read = _read_splits(task, kind, own, counts)
        read |= _read_splits(tested, kind, {"test": paths["test"]}, counts)
    splits: dict[str, tuple[Any, ...]] = {"train": ()}
    for split, path in paths.items():
        if split != "train" or kind.learns or read[split]:
            with calling(kind):
                splits[split] = checked_records(kind, task, tuple(read[split]), path, counts)
    labels = {split: found_labels(kind, records) for split, records in splits.items()}
    data = {split: _sha256(kind, task, path) for split, path in paths.items()}
    complete = _fitting(replace(task, labels=tuple(task.labels) or labels["train"], data=data))
    wrong = wrong_count(kind, task, splits)
    wrong = wrong or _wrong(kind, complete, labels, splits, bool(task.labels))
    if not wrong and section.train_records is not None:
        complete, splits["train"] = _budgeted(complete, kind, splits["train"], section)
        labels["train"] = found_labels(kind, splits["train"])
        wrong = _wrong(kind, complete, labels, splits, bool(task.labels))
    if wrong:
        raise DataError(f"task {complete.name!r}: {paths[wrong[0]]} {wrong[1]}.")
    counts["unseen_labels"] = len(set().union(*labels.values()) - set(labels["train"]))
    one_each = kind.weighs_records and not task.multi_label
    counts["one_class"] += one_each and len(labels["test"]) == 1
    in_train = find_in_train(kind, splits, counts)
    terms = domain.terms.read() if domain and domain.terms else ()
    outside = load_outside(section, kind, complete, splits["test"], folder)
    return LoadedTask(complete, splits, dict(+counts), terms, in_train, outside)


def _check_train(section: TaskSection, kind: TaskKind, places: Mapping[str, Any]) -> None:
    """Refuse a task without its training split, and a label budget where nothing learns.

    Raises:
        RecipeError: With the key.
    """
    if kind.learns and "train" not in places:
        raise RecipeError(f"tasks: {section.name!r}: {kind.name} also needs `train`.")
    if not kind.learns and section.train_records is not None:
        what = f"train_records is for fine-tuning, and {kind.name} has none; leave it out"
        raise RecipeError(f"tasks: {section.full_name!r}: {what}.")


def _wrong(
    kind: TaskKind, task: Task, labels: Labels, splits: Splits, declared: bool
) -> tuple[str, str] | None:
    """Return the split at fault and the reason; None if all is well."""
    with calling(kind):
        return kind.check_labels(task, declared, labels) or kind.check_splits(task, splits)


def _sha256(kind: TaskKind, task: Task, path: Path) -> str:
    """Return the hash of the data of a split: of its file, or of the files of a glob or folder."""
    files = [path] if task.read is not None else files_of(kind, path)
    hashes = [data_sha256(file) for file in files]
    return hashes[0] if len(hashes) == 1 else sha256_of("\n".join(hashes))


def _read_splits(
    task: Task, kind: TaskKind, paths: Mapping[str, Path], counts: Counter[str]
) -> dict[str, Sequence[Any]]:
    """Return the records of the splits, each of its file."""
    read: dict[str, Sequence[Any]] = {}
    for split, path in paths.items():
        if task.read is None:
            read[split] = read_records(kind, task, path, counts)
            continue
        with calling(task, path):
            more = {"counts": counts} if "counts" in signature(task.read).parameters else {}
            read[split] = list(task.read(path, split, **more))
    return read


def _cut_splits(
    task: Task,
    kind: TaskKind,
    paths: Mapping[str, Path],
    cut: tuple[str, ...],
    section: TaskSection,
    counts: Counter[str],
) -> dict[str, Sequence[Any]]:
    """Return the records of the splits, those of `cut`, if any, from the file of train.

    Raises:
        DataError: A split gets none of the groups.
    """
    if not cut:
        return _read_splits(task, kind, paths, counts)
    own = {split: path for split, path in paths.items() if split not in {"train", *cut}}
    # Files of their own need no column of groups.
    without = {name: column for name, column in task.columns.items() if name != "group"}
    read = _read_splits(replace(task, columns=without), kind, own, counts)
    read |= _read_splits(task, kind, {"train": paths["train"]}, counts)
    records = read["train"]
    documents = [getattr(record, "document", "") for record in records]
    keys = [name or kind.text(r) for name, r in zip(documents, records, strict=True)]
    if section.group is not None and not any(documents):
        raise DataError(f"{paths['train']}: `group` names a column, and this is no table.")
    assert section.splits is not None  # noqa: S101  # where something is cut
    parts = share_out(records, keys, section.splits.of(cut))
    if empty := [name for name in parts if not parts[name]]:
        what = f"group: {section.group}: " if section.group is not None else "splits: "
        noun = "groups" if any(documents) else f"different {kind.noun}s"
        raise DataError(
            f"task {task.name!r}: {what}{empty[0]} gets none of the {len(set(keys)):,} {noun}. "
            "Take a larger share."
        )
    return {**read, **parts}


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
        kept = label_budget(train, kind.text, kind.labels, wanted)
    return replace(task, name=section.full_name, train_records=wanted), kept


def _own_task(section: TaskSection) -> Task:
    more: Any = section.model_dump(include=_HOW | {"labels", "multi_label", "levels", "null_label"})
    given = {"text": section.text_field, "label": section.label_field}
    fields = {name: column for name, column in given.items() if name != column}
    group = {"group": section.group} if section.group is not None else {}
    more["columns"] = dict(chain(fields.items(), section.columns.items(), group.items()))
    about = "as of your files", "your files", "own"
    splits = dict.fromkeys(SPLITS, Path())
    more["format"] = more["format"] or ""
    return Task(section.name, "", str(section.kind), *about, splits, **more)


def _version(section: TaskSection, cut: tuple[str, ...]) -> str:
    """Return how own files become splits and records: the scores depend on it."""
    said = section.model_dump(include=_SAID, exclude_defaults=True)
    shares = section.splits.of(cut) if section.splits and cut else {}
    parts = {**{name: f"{share:g}" for name, share in shares.items()}, **said}
    return ", ".join(["own", *(f"{key} {value}" for key, value in parts.items())])


_HOW = {"format", "columns", "label_names", "separator"}
_SAID = _HOW | {"group", "text_field", "label_field", "null_label"}


def _declared_task(name: str, domain: Domain | None) -> Task:
    tasks = {task.name: task for task in domain.tasks} if domain else {}
    if domain is None or name not in tasks:
        known = "the recipe names no domain; your own task needs kind, train, validation and test"
        if domain:
            known = f"domain {domain.name!r} has: {', '.join(sorted(tasks)) or 'none'}"
        raise RecipeError(f"tasks: unknown task {name!r}; {known}.")
    return replace(tasks[name], domain=domain.name)


def _named_tasks(section: TaskSection, domain: Domain | None) -> tuple[Task, Task]:
    """Return the task of an entry, and the one that reads its test split."""
    task = _own_task(section) if section.kind else _declared_task(section.name, domain)
    tested = task
    if section.test_on:
        tested = _declared_task(section.test_on, domain)
        task = _tested_on(section, task, tested)
    more: Any = {k: (*getattr(task, k), *getattr(section, k)) for k in ("metrics", "baselines")}
    return replace(task, **more), tested


def _tested_on(section: TaskSection, task: Task, other: Task) -> Task:
    """Return the task with the test split of another one.

    Raises:
        RecipeError: The other is of another kind.
    """
    if (task.kind, task.multi_label) != (other.kind, other.multi_label):
        raise RecipeError(
            f"tasks: {section.full_name!r}: a task of {task.kind} cannot be tested on one of "
            f"{other.kind}; `test_on` names a task of the same kind."
        )
    if strange := set(other.labels) - set(task.labels):
        what = f"{min(strange)!r}, which {task.name} lacks ({listed(task.labels)})"
        raise RecipeError(f"tasks: {section.full_name!r}: {other.name} has the label {what}.")
    counts = {names: found for names, found in task.counts.items() if "test" not in names}
    if "test" in other.counts:
        counts["test"] = other.counts["test"]
    return replace(
        task,
        name=section.plain_name,
        version=f"{task.version}, test of {other.name} {other.version}",
        splits={**task.splits, "test": other.splits["test"]},
        counts=counts,
        notes=" ".join(filter(None, [task.notes, other.notes])),
    )


def _checked_kind(task: Task) -> TaskKind:
    """Refuse a kind, metric or baseline that no plugin provides, before any file is read."""
    try:
        wrong = kind_of(task).check_task(task) or foreign_columns(kind_of(task), task)
        if task.format:
            check_format(kind_of(task), task.format)
        for name in task.baselines:
            component(Baseline, name)
    except PluginError as error:
        wrong = str(error).removesuffix(".")
    if wrong:
        raise RecipeError(f"tasks: {task.name!r}: {wrong}.")
    return kind_of(_fitting(task))


def _fitting(task: Task) -> Task:
    """Return a task whose metrics suit it; asked again when its labels are known."""
    try:
        check_metrics(task)
    except PluginError as error:
        raise RecipeError(f"tasks: {task.name!r}: {str(error).removesuffix('.')}.") from None
    return task

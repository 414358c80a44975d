"""From the recipe's `tasks:` section to checked records in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from domainbert.errors import RecipeError
from domainbert.plugin.domain import DataFile, Domain, Example, Sentence, Task
from domainbert.plugin.registry import reading
from domainbert.recipe.sections import TaskSection
from domainbert.storage.download import Progress, locate
from domainbert.storage.files import sha256_file
from domainbert.tasks.check import check_records, check_splits, found_labels
from domainbert.tasks.metrics.score import Scoring
from domainbert.tasks.readers.columns import read_columns, to_iob2
from domainbert.tasks.readers.table import read_table

SPLITS = ("train", "validation", "test")
KINDS = ("tagging", "classification")

Read = Callable[[Path, str], Iterable[Sentence | Example]]


@dataclass(frozen=True)
class LoadedTask:
    """A task, read and checked.

    Args:
        name: Name of the task.
        title: One line for people.
        version: Of the task; scores of different versions are not comparable.
        licence: As declared.
        sample: True for a demonstration set that is not a benchmark.
        scoring: Kind, labels in order, and what else the scores depend on.
        splits: Sentences in IOB2, or examples, of train, validation and test.
        sha256: Hash of each split's file.
        counts: What was noticed: `repaired` tags that opened a mention with `I-`, records of test
            that stand in train (`test_in_train`), labels of validation and test that train never
            has (`unseen_labels`).
        notes: What the reader leaves out, as declared.
        domain: Where it was declared, or None.
    """

    name: str
    title: str
    version: str
    licence: str
    sample: bool
    scoring: Scoring
    splits: Mapping[str, tuple[Any, ...]]
    sha256: Mapping[str, str]
    counts: Mapping[str, int] = field(default_factory=dict)
    notes: str = ""
    domain: str | None = None

    @property
    def outputs(self) -> tuple[str, ...]:
        """What the model's outputs stand for: classes, or O and then B- and I- of each type."""
        labels = self.scoring.labels
        if self.scoring.kind == "classification":
            return labels
        return ("O", *(f"{prefix}-{label}" for label in labels for prefix in "BI"))


def load_task(
    section: TaskSection, domain: Domain | None, folder: Path, progress: Progress | None = None
) -> LoadedTask:
    """Find, read and check one task.

    Args:
        section: The recipe's entry.
        domain: Where a task without files is looked up.
        folder: Relative paths start here.
        progress: Told of downloads.

    Raises:
        RecipeError: No such task.
        DataError: A file is missing or malformed, or labels do not agree.
    """
    if section.kind is not None:
        paths = {split: folder / str(getattr(section, split)) for split in SPLITS}
        return _load(_own_task(section, paths), paths, None)
    task = _declared_task(section.name, domain)
    paths = {split: _located(task.splits[split], progress) for split in SPLITS}
    return _load(task, paths, domain.name if domain else None)


def _own_task(section: TaskSection, paths: Mapping[str, Path]) -> Task:
    return Task(
        name=section.name,
        title="",
        kind=str(section.kind),
        licence="as of your files",
        origin="your files",
        version="own",
        splits=paths,
        labels=section.labels,
        multi_label=section.multi_label,
        levels=section.levels,
    )


def _declared_task(name: str, domain: Domain | None) -> Task:
    known = {task.name: task for task in domain.tasks} if domain else {}
    if name not in known:
        where = (
            f"domain {domain.name!r} has: {', '.join(sorted(known)) or 'none'}"
            if domain
            else (
                "the recipe names no domain; your own task needs kind, train, validation and test"
            )
        )
        raise RecipeError(f"tasks: unknown task {name!r}; {where}.")
    task = known[name]
    if task.kind not in KINDS:
        raise RecipeError(
            f"tasks: {name!r} is of kind {task.kind!r}; known are {' and '.join(KINDS)}."
        )
    return task


def _located(file: DataFile | Path, progress: Progress | None) -> Path:
    return file if isinstance(file, Path) else locate(file, progress)


def _load(task: Task, paths: Mapping[str, Path], domain: str | None) -> LoadedTask:
    counts: Counter[str] = Counter()
    read = reader_of(task)
    splits = {split: tuple(_records(task, read, paths[split], split, counts)) for split in SPLITS}
    check_records(task, splits, paths)
    labels = task.labels or found_labels(task.kind, splits["train"])
    scoring = Scoring(task.kind, labels, task.multi_label, dict(task.levels))
    check_splits(task, scoring, splits, paths, counts)
    return LoadedTask(
        name=task.name,
        title=task.title,
        version=task.version,
        licence=task.licence,
        sample=task.sample,
        scoring=scoring,
        splits=splits,
        sha256={split: sha256_file(path) for split, path in paths.items()},
        counts=dict(counts),
        notes=task.notes,
        domain=domain,
    )


def reader_of(task: Task) -> Read:
    """Return the task's reader, or the one for its kind."""
    if task.read is not None:
        return task.read
    if task.kind == "tagging":
        return lambda path, _split: read_columns(path)
    return lambda path, _split: read_table(path, task.multi_label)


def _records(
    task: Task, read: Read, path: Path, split: str, counts: Counter[str]
) -> Iterator[Sentence | Example]:
    with reading(path, task.name):
        for record in read(path, split):
            yield to_iob2(record, counts) if isinstance(record, Sentence) else record

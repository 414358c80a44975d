"""From the recipe's `tasks:` section to checked sentences in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from domainbert.data import Progress, locate
from domainbert.domain import DataFile, Domain, Sentence
from domainbert.errors import DataError, RecipeError
from domainbert.files import sha256_file
from domainbert.recipe import TaskSection
from domainbert.tasks.columns import read_columns, to_iob2

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class TaggingTask:
    """A tagging task, read and checked.

    Args:
        name: Name of the task.
        title: One line for people.
        version: Of the task; scores of different versions are not comparable.
        licence: As declared.
        sample: True for a demonstration set that is not a benchmark.
        labels: Entity types, in order.
        splits: Sentences in IOB2 of train, validation and test.
        repaired: `I-` tags that opened a mention and were read as `B-`.
        sha256: Hash of each split's file.
    """

    name: str
    title: str
    version: str
    licence: str
    sample: bool
    labels: tuple[str, ...]
    splits: Mapping[str, tuple[Sentence, ...]]
    repaired: int
    sha256: Mapping[str, str]

    @property
    def tags(self) -> tuple[str, ...]:
        """Tags in the order of the model's outputs: O, then B- and I- of each label."""
        return ("O", *(f"{prefix}-{label}" for label in self.labels for prefix in "BI"))


def load_task(
    section: TaskSection, domain: Domain | None, folder: Path, progress: Progress | None = None
) -> TaggingTask:
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
        paths = {split: folder / Path(str(getattr(section, split))) for split in SPLITS}
        return _read(section.name, paths, _columns, declared=())
    known = {task.name: task for task in domain.tasks} if domain else {}
    if section.name not in known:
        where = (
            f"domain {domain.name!r} has: {', '.join(sorted(known)) or 'none'}"
            if domain
            else (
                "the recipe names no domain; your own task needs kind, train, validation and test"
            )
        )
        raise RecipeError(f"tasks: unknown task {section.name!r}; {where}.")
    task = known[section.name]
    if task.kind != "tagging":
        raise RecipeError(f"tasks: {task.name!r} is of kind {task.kind!r}; only tagging is known.")
    paths = {split: _located(task.splits[split], progress) for split in SPLITS}
    read = _read(task.name, paths, task.read or _columns, declared=task.labels)
    return TaggingTask(
        read.name, task.title, task.version, task.licence, task.sample, task.labels, read.splits,
        read.repaired, read.sha256,
    )  # fmt: skip


def _columns(path: Path, _split: str) -> Iterator[Sentence]:
    return read_columns(path)


def _located(file: DataFile | Path, progress: Progress | None) -> Path:
    return file if isinstance(file, Path) else locate(file, progress)


def _read(
    name: str,
    paths: Mapping[str, Path],
    read: Callable[[Path, str], Iterable[Any]],
    declared: tuple[str, ...],
) -> TaggingTask:
    counts: Counter[str] = Counter()
    splits = {
        split: tuple(to_iob2(sentence, counts) for sentence in read(path, split))
        for split, path in paths.items()
    }
    for split, sentences in splits.items():
        if not sentences:
            raise DataError(f"task {name!r}: {paths[split]} has no sentence.")
    labels = declared or tuple(sorted(_types(splits["train"])))
    if not labels:
        raise DataError(f"task {name!r}: {paths['train']} tags no mention, only O.")
    for split, sentences in splits.items():
        strangers = sorted(_types(sentences) - set(labels))
        if strangers:
            known = "declared" if declared else "in the training split"
            raise DataError(
                f"task {name!r}: {paths[split]} has the type {strangers[0]!r}, which is not "
                f"{known} ({', '.join(labels)})."
            )
    hashes = {split: sha256_file(path) for split, path in paths.items()}
    return TaggingTask(
        name, "", "own", "as of your files", False, labels, splits, counts["repaired"], hashes
    )


def _types(sentences: Iterable[Sentence]) -> set[str]:
    return {tag[2:] for sentence in sentences for tag in sentence.tags if tag != "O"}

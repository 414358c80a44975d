"""Checks of a task's records before a model is trained on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from domainbert.errors import DataError
from domainbert.plugin.components import TaskKind
from domainbert.plugin.domain import Task

Splits = Mapping[str, Sequence[Any]]


def check_records(kind: TaskKind, task: Task, splits: Splits, paths: Mapping[str, Path]) -> None:
    """Refuse empty splits and records that do not suit the kind.

    Raises:
        DataError: Names the file, and the record where there is one.
    """
    for split, records in splits.items():
        if not records:
            raise DataError(f"task {task.name!r}: {paths[split]} has no {kind.noun}.")
        for number, record in enumerate(records, start=1):
            where = f"task {task.name!r}: {paths[split]}, {kind.noun} {number}"
            if not isinstance(record, kind.record):
                raise DataError(f"{where}: the reader gave {type(record).__name__}.")
            wrong = _no_text(kind, record) or kind.check(record, task)
            if wrong:
                raise DataError(f"{where}: {wrong}.")


def check_labels(
    kind: TaskKind, task: Task, declared: bool, splits: Splits, paths: Mapping[str, Path]
) -> Counter[str]:
    """Refuse labels that do not agree.

    Args:
        kind: Of the task.
        task: With labels, declared or those of train.
        declared: Whether the labels were declared.
        splits: Records of each split.
        paths: File of each split.

    Returns:
        Counts of labels that train lacks and of test records that are in train.

    Raises:
        DataError: Names the label and the file.
    """
    labels = {split: set(found_labels(kind, records)) for split, records in splits.items()}
    wrong = kind.check_labels(task, declared, labels)
    if wrong:
        raise DataError(f"task {task.name!r}: {paths[wrong[0]]} {wrong[1]}.")
    train = {plain_text(kind, record) for record in splits["train"]}
    counts = {
        "unseen_labels": len(set().union(*labels.values()) - labels["train"]),
        "test_in_train": sum(plain_text(kind, record) in train for record in splits["test"]),
    }
    return Counter({key: n for key, n in counts.items() if n})


def found_labels(kind: TaskKind, records: Sequence[Any]) -> tuple[str, ...]:
    """Return the labels that occur in records, sorted."""
    return tuple(sorted({label for record in records for label in kind.labels(record)}))


def plain_text(kind: TaskKind, record: Any) -> str:
    """Return a record's text without the case and white space by which copies differ."""
    return " ".join(kind.text(record).casefold().split())


def strangers(
    task: Task, declared: bool, labels: Mapping[str, set[str]], noun: str
) -> tuple[str, str] | None:
    """Return the first split with labels that the task lacks, and the reason; None if none has."""
    for split, names in labels.items():
        unknown = names - set(task.labels)
        if unknown:
            where = "declared" if declared else "in the training split"
            return split, (
                f"has the {noun} {min(unknown)!r}, which is not {where} "
                f"({', '.join(task.labels[:20])})"
            )
    return None


def unknown_label(labels: set[str], task: Task) -> str:
    """Return the message on a prediction's labels that the task lacks; empty without any."""
    if not labels:
        return ""
    return f"{min(labels)!r} is no label of the task ({', '.join(task.labels[:20])})"


def _no_text(kind: TaskKind, record: Any) -> str:
    try:
        "".join([kind.text(record), *kind.labels(record)]).encode()
    except UnicodeEncodeError:
        return "holds half of a surrogate pair, which is no text"
    return ""

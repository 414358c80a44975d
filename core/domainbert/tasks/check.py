"""Checks of a task's records before a model is trained on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from domainbert.errors import DataError
from domainbert.plugin.components import TaskKind
from domainbert.plugin.domain import Task

Splits = Mapping[str, Sequence[Any]]
Labels = Mapping[str, Sequence[str]]


def check_records(kind: TaskKind, task: Task, records: Sequence[Any], path: Path) -> None:
    """Refuse an empty split and records that do not suit the kind.

    Raises:
        DataError: Names the file, and the record where there is one.
    """
    if not records:
        raise DataError(f"task {task.name!r}: {path} has no {kind.noun}.")
    for number, record in enumerate(records, start=1):
        where = f"task {task.name!r}: {path}, {kind.noun} {number}"
        if not isinstance(record, kind.record):
            raise DataError(f"{where}: the reader gave {type(record).__name__}.")
        wrong = kind.check(record, task)
        if wrong:
            raise DataError(f"{where}: {wrong}.")
        try:
            "".join([kind.text(record), *kind.labels(record)]).encode()
        except UnicodeEncodeError:
            raise DataError(f"{where}: holds half of a surrogate pair, which is no text.") from None


def found_labels(kind: TaskKind, records: Sequence[Any]) -> tuple[str, ...]:
    """Return the labels that occur in records, sorted."""
    return tuple(sorted({label for record in records for label in kind.labels(record)}))


def plain_text(kind: TaskKind, record: Any) -> str:
    """Return a record's text without the case and white space by which copies differ."""
    return " ".join(kind.text(record).casefold().split())


def strangers(task: Task, declared: bool, labels: Labels, noun: str) -> tuple[str, str] | None:
    """Return the first split with labels that the task lacks, and the reason; None if none has."""
    where, known = "declared" if declared else "in the training split", ", ".join(task.labels[:20])
    for split, names in labels.items():
        if new := {*names} - {*task.labels}:
            return split, f"has the {noun} {min(new)!r}, which is not {where} ({known})"
    return None


def unknown_label(labels: set[str], task: Task) -> str:
    """Return the message on a prediction's labels that the task lacks; empty without any."""
    if not labels:
        return ""
    return f"{min(labels)!r} is no label of the task ({', '.join(task.labels[:20])})"

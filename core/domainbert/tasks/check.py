"""What must hold of the records of a task before a model is trained on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from domainbert.errors import DataError
from domainbert.plugin.domain import Example, Sentence, Task
from domainbert.tasks.metrics.score import Scoring

Splits = Mapping[str, Sequence[Any]]


def check_records(task: Task, splits: Splits, paths: Mapping[str, Path]) -> None:
    """Refuse empty splits, records of another kind, what is no text, and a wrong number of labels.

    Raises:
        DataError: Names the file, and the record where there is one.
    """
    kind, noun = (Sentence, "sentence") if task.kind == "tagging" else (Example, "example")
    for split, records in splits.items():
        if not records:
            raise DataError(f"task {task.name!r}: {paths[split]} has no {noun}.")
        for number, record in enumerate(records, start=1):
            where = f"task {task.name!r}: {paths[split]}, {noun} {number}"
            if not isinstance(record, kind):
                raise DataError(f"{where}: the reader gave {type(record).__name__}.")
            if not _is_text(record):
                raise DataError(f"{where}: holds half of a surrogate pair, which is no text.")
            if isinstance(record, Example) and not all(map(str.isprintable, record.labels)):
                raise DataError(f"{where}: a label has invisible characters: {record.labels}.")
            if isinstance(record, Example) and not task.multi_label and len(record.labels) != 1:
                raise DataError(
                    f"{where}: has {len(record.labels)} labels {record.labels}; expected one. "
                    "Set `multi_label: true` if there may be any number."
                )


def found_labels(kind: str, records: Iterable[Any]) -> tuple[str, ...]:
    """Return the entity types or classes that occur, sorted."""
    return tuple(sorted(_labels(kind, records)))


def check_splits(
    task: Task, scoring: Scoring, splits: Splits, paths: Mapping[str, Path], counts: Counter[str]
) -> None:
    """Refuse labels that do not agree; count records of test that stand in train.

    A class that training never has cannot be learned. With one class a record that is a mistake of
    the split; with several, rare classes make it usual, so it is counted and stays an error of
    every model.

    Raises:
        DataError: Names the label and the file.
    """
    train = _labels(task.kind, splits["train"])
    if task.kind == "tagging" and not scoring.labels:
        raise DataError(f"task {task.name!r}: {paths['train']} tags no mention, only O.")
    if task.kind == "classification" and len(train) < 2:
        raise DataError(
            f"task {task.name!r}: {paths['train']} has {len(train)} class "
            f"({', '.join(sorted(train)) or 'none'}); expected two or more."
        )
    noun = "type" if task.kind == "tagging" else "label"
    unseen: set[str] = set()
    for split, records in splits.items():
        found = _labels(task.kind, records)
        strangers = found - set(scoring.labels)
        declared = "declared" if task.labels else "in the training split"
        if task.kind == "classification" and not task.multi_label and not strangers:
            strangers, declared = found - train, "in the training split"
        if task.multi_label:
            unseen |= found - train
        if strangers and not (task.multi_label and not task.labels):
            raise DataError(
                f"task {task.name!r}: {paths[split]} has the {noun} {min(strangers)!r}, which is "
                f"not {declared} ({', '.join(scoring.labels[:20])})."
            )
    if unseen:
        counts["unseen_labels"] = len(unseen)
    repeated = _in_train(splits)
    if repeated:
        counts["test_in_train"] = repeated


def _labels(kind: str, records: Iterable[Any]) -> set[str]:
    if kind == "tagging":
        return {tag[2:] for record in records for tag in record.tags if tag != "O"}
    return {label for record in records for label in record.labels}


def _in_train(splits: Splits) -> int:
    train = {plain_text(record) for record in splits["train"]}
    return sum(plain_text(record) in train for record in splits["test"])


def _is_text(record: Sentence | Example) -> bool:
    parts = record.words if isinstance(record, Sentence) else (record.text, *record.labels)
    try:
        "".join(parts).encode()
    except UnicodeEncodeError:
        return False
    return True


def plain_text(record: Sentence | Example) -> str:
    """Return a record's text without the case and white space by which copies differ."""
    text = " ".join(record.words) if isinstance(record, Sentence) else record.text
    return " ".join(text.casefold().split())

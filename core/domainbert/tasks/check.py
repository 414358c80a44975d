"""Checks of a task's records before a model is trained on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from domainbert.errors import DataError, PluginError, RecipeError, listed
from domainbert.plugin.calls import calling
from domainbert.plugin.components import Baseline, LoadedTask, TaskKind
from domainbert.plugin.domain import Task
from domainbert.plugin.registry import component, components
from domainbert.recipe.evaluate import Baselines, EvaluateSection
from domainbert.storage.files import sha256_of
from domainbert.tasks.read import check_text
from domainbert.tasks.readers.table import placed
from domainbert.words import canonical_text

Splits = Mapping[str, Sequence[Any]]
Labels = Mapping[str, Sequence[str]]


def checked_records(
    kind: TaskKind, task: Task, records: Sequence[Any], path: Path, counts: Counter[str]
) -> tuple[Any, ...]:
    """Return the repaired records of a split.

    Args:
        kind: Of the task.
        task: Its labels may be empty.
        records: As read.
        path: Of the split.
        counts: Receives how many were repaired, by reason.

    Raises:
        DataError: The split is empty, or a record does not suit the kind; with file and record.
    """
    repaired = []
    if not records:
        raise DataError(f"task {task.name!r}: {path} has no {kind.noun}.")
    for number, record in enumerate(records, start=1):
        where = f"task {task.name!r}: {path}, {kind.noun} {number}"
        if not isinstance(record, kind.record):
            raise DataError(f"{where}: the reader gave {type(record).__name__}.")
        record = kind.repair(record, counts)
        wrong = kind.check(record, task)
        if wrong:
            raise DataError(f"{where}: {wrong}.")
        with placed(where):
            check_text("".join([kind.text(record), *kind.labels(record)]))
        repaired.append(record)
    return tuple(repaired)


def check_evaluation(tasks: Sequence[LoadedTask], settings: EvaluateSection) -> None:
    """Refuse settings of `evaluate` that do not suit the tasks, before any training.

    Raises:
        RecipeError: A baseline is unknown or suits none of the tasks.
        DataError: A baseline cannot work on a task, or its classes cannot be weighed.
    """
    check_baselines(tasks, settings.baselines)
    for loaded in tasks if settings.class_weights == "balanced" else ():
        if component(TaskKind, loaded.task.kind).learns:
            _check_weights(loaded)


def check_baselines(tasks: Sequence[LoadedTask], wanted: Baselines = True) -> None:
    """Refuse baselines that are unknown or cannot work on a task, before any training.

    Args:
        tasks: Those of a run.
        wanted: `evaluate.baselines`.

    Raises:
        RecipeError: A name is unknown or suits none of the tasks.
        DataError: With the reason and how to do without.
    """
    suited = [baseline_names(loaded, wanted) for loaded in tasks]
    for name in wanted if isinstance(wanted, tuple) else ():
        try:
            component(Baseline, name)
        except PluginError as error:
            raise RecipeError(f"evaluate.baselines: {error}") from None
        if tasks and not any(name in names for names in suited):
            kinds = ", ".join(sorted({loaded.task.kind for loaded in tasks}))
            raise RecipeError(f"evaluate.baselines: {name!r} suits no task of the kind {kinds}.")
    for loaded, names in zip(tasks, suited, strict=True):
        for name in names:
            baseline = component(Baseline, name)
            with calling(baseline):
                wrong = baseline.check(loaded)
            if wrong:
                hint = "Set `evaluate.baselines: false`, or name those to run."
                raise DataError(f"task {loaded.task.name!r}: baseline {name!r}: {wrong}. {hint}")


def _check_weights(loaded: LoadedTask) -> None:
    """Refuse `class_weights` for records with more than one label, or with none."""
    kind, task = component(TaskKind, loaded.task.kind), loaded.task
    if kind.weighs_words:
        return
    with calling(kind):
        train = loaded.splits["train"]
        one_each = kind.weighs_records and all(len(tuple(kind.labels(r))) == 1 for r in train)
    if not one_each or task.multi_label:
        raise DataError(
            f"task {task.name!r}: evaluate.class_weights: balanced is for tagging, and for tasks "
            "with one label per record. Set `evaluate.class_weights: none`."
        )


def baseline_names(loaded: LoadedTask, wanted: Baselines = True) -> tuple[str, ...]:
    """Return the baselines of a task.

    Args:
        loaded: The task.
        wanted: `evaluate.baselines`: true for those that its kind and the task itself name, `all`
            for every one that suits the kind, or names, of which those that suit it are taken.
    """
    kind = component(TaskKind, loaded.task.kind)
    usual = dict.fromkeys((*kind.baselines(loaded), *loaded.task.baselines))
    if isinstance(wanted, bool):
        return tuple(usual) if wanted else ()
    others = [
        name
        for name, baseline in components(Baseline).items()
        if ((baseline.tuned and kind.learns) or kind.name in baseline.kinds) and name not in usual
    ]
    return tuple(name for name in (*usual, *others) if wanted == "all" or name in wanted)


def wrong_count(kind: TaskKind, task: Task, splits: Splits) -> tuple[str, str] | None:
    """Return the first split whose counts are not as declared, and the reason; None if all are.

    Splits that are cut from one file are counted together, as that file was published.
    """
    for names, declared in task.counts.items():
        records = [record for name in names.split("+") for record in splits[name]]
        with calling(kind):
            labels = (label for record in records for label in {*kind.labels(record)})
            found = Counter(kind.count(records) if kind.count else labels)
        found["records"] = len(records)
        wrong = [name for name, number in declared.items() if found[name] != number]
        if wrong:
            what = f"{names}: {wrong[0]}: {found[wrong[0]]:,} were read, {declared[wrong[0]]:,} are"
            return names.split("+")[0], f"{what} declared: the data or the reader has changed"
    return None


def found_labels(kind: TaskKind, records: Sequence[Any]) -> tuple[str, ...]:
    """Return the labels that occur in records, sorted."""
    return tuple(sorted({label for record in records for label in kind.labels(record)}))


def plain_text(kind: TaskKind, record: Any) -> str:
    """Return a record's text without case, white space and Unicode forms, as copies differ in."""
    return canonical_text(kind.text(record).casefold())


def find_in_train(kind: TaskKind, splits: Splits, counts: Counter[str]) -> tuple[int, ...]:
    """Return the numbers, from 0, of test records whose text is learned from in train, too.

    Args:
        kind: Kind of the task.
        splits: Its records.
        counts: Receives their number, also if these are all; and that of those that have no label
            in train that they have in test.
    """
    if not kind.learns:
        return ()
    # Hashes, as the texts of questions on long documents would fill the memory.
    train: dict[str, set[str]] = {}
    for record in splits["train"]:
        train.setdefault(sha256_of(plain_text(kind, record)), set()).update(kind.labels(record))
    found = list[int]()
    for number, record in enumerate(splits["test"]):
        known = train.get(sha256_of(plain_text(kind, record)))
        if known is not None:
            found.append(number)
            own = {*kind.labels(record)}
            counts["other_labels_in_train"] += bool(own) and not own & known
    counts["test_in_train"] = len(found)
    counts["all_in_train"] = len(found) if len(found) == len(splits["test"]) else 0
    return tuple(found)


def strangers(task: Task, declared: bool, labels: Labels, noun: str) -> tuple[str, str] | None:
    """Return the first split with labels that the task lacks, and the reason; None if none has."""
    where, known = "declared" if declared else "in the training split", listed(task.labels)
    for split, names in labels.items():
        if new := {*names} - {*task.labels}:
            return split, f"has the {noun} {min(new)!r}, which is not {where} ({known})"
    return None


def unknown_label(labels: set[str], task: Task) -> str:
    """Return the message on a prediction's labels that the task lacks; empty without any."""
    if not labels:
        return ""
    return f"{min(labels)!r} is no label of the task ({listed(task.labels)})"


def class_keys(task: Task) -> str:
    """Return why keys of classification and of relations suit no other kind, or an empty text."""
    several = task.multi_label or task.levels
    return "multi_label and levels are for classification" if several else null_key(task)


def null_key(task: Task) -> str:
    """Return why the key of relations suits no other kind of task, or an empty text."""
    return "null_label is for relations" if task.null_label else ""


def foreign_columns(kind: TaskKind, task: Task) -> str:
    """Return why a column suits no task of a kind, or an empty text.

    A task with `read` may have others.
    """
    wrong = [name for name in task.columns if name not in (*kind.columns, "group")]
    if not wrong or not kind.columns or task.read is not None:
        return ""
    known = ", ".join(f"`{name}`" for name in kind.columns)
    return f"columns: {task.kind} has no `{wrong[0]}`; it reads {known}"

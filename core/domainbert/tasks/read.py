"""Labelled files to records: the reader of a format, or the rows of a table."""

from __future__ import annotations

import glob
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from domainbert.errors import DataError, PluginError, RecipeError, listed
from domainbert.plugin.components import TaskKind, TaskReader
from domainbert.plugin.domain import Task
from domainbert.plugin.readers import plain_suffix
from domainbert.plugin.registry import calling, component, components
from domainbert.plugin.rows import FORMATS, read_table_rows, row_format
from domainbert.storage.files import find_files
from domainbert.tasks.readers.table import placed

# Tables that hold no columns of words and tags, as .csv and .tsv do.
_NEVER_COLUMNS = {"jsonl", "json", "parquet", "arrow", "xlsx", "saved"}


@dataclass(frozen=True)
class Asked:
    """A row of a table that a model is asked about.

    Args:
        id: Its `id`; else its place.
        record: Without a gold label.
        inputs: What a model reads of it, by column.
    """

    id: str
    record: Any
    inputs: dict[str, Any]


def column_names(columns: Mapping[str, Any], inputs: Iterable[str]) -> str:
    """Return the columns of inputs as `columns` of a task names them, for people."""
    given = [columns.get(name, name) for name in inputs]
    names = [name for item in given for name in ([item] if isinstance(item, str) else item)]
    return ", ".join(f"`{name}`" for name in names)


def inputs_of(kind: TaskKind, record: Any) -> dict[str, Any]:
    """Return what a model reads of a record, by column, without the texts that it lacks."""
    fields = {name: getattr(record, name) for name in kind.inputs}
    return {name: value for name, value in fields.items() if value}


def read_asked(
    kind: TaskKind, task: Task, path: Path, form: str, expected: Sequence[str] = ()
) -> Iterator[Asked]:
    """Yield the rows of a table without their labels.

    Args:
        kind: With `unlabelled`.
        task: Its `columns` name the columns where they have others.
        path: The table.
        form: Its format.
        expected: Columns that the model was fine-tuned on; none if that is not known.

    Raises:
        DataError: A row lacks a column or has one more, or a text is empty; with its place.
    """
    for where, row in read_table_rows(path, form):
        with placed(where), calling(kind):
            record = _unlabelled(kind, row, task)
            inputs = {} if record is None else inputs_of(kind, record)
            if not inputs or (expected and [*inputs] != [*expected]):
                named = column_names(task.columns, expected or kind.inputs)
                raise DataError(f"expected {named}; it has {listed(row)}")
            check_text(kind.text(record))
        given = row.get("id")
        place = f"{path.name}{where.removeprefix(str(path))}"
        own = str(given) if isinstance(given, str | int) else ""
        yield Asked(own.encode(errors="replace").decode() or place, record, inputs)


def _unlabelled(kind: TaskKind, row: dict[str, Any], task: Task) -> Any:
    """Return the record of a row with the task's columns, or with the usual ones."""
    assert kind.unlabelled  # noqa: S101  # asked before
    record = kind.unlabelled(row, task)
    if record is None and task.columns:
        return kind.unlabelled(row, replace(task, columns={}))
    return record


def check_text(text: str) -> None:
    """Refuse half of a surrogate pair, which JSON can hold and no file.

    Raises:
        DataError: Without a place.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        raise DataError("holds half of a surrogate pair, which is no text") from None


def check_format(kind: TaskKind, form: str) -> None:
    """Refuse a `format:` that a kind does not read.

    Raises:
        PluginError: Neither a table nor a task reader of the kind has the name.
    """
    if form in FORMATS and kind.from_rows is not None:
        return
    own = ", ".join(r.name for r in components(TaskReader).values() if r.kind == kind.name)
    known = ", ".join(filter(None, (own, ", ".join(FORMATS) if kind.from_rows else "")))
    try:
        reader = component(TaskReader, form)
    except PluginError:
        raise PluginError(f"no format {form!r} for {kind.name}. Known: {known}") from None
    if reader.kind != kind.name:
        raise PluginError(f"format {form!r} is for {reader.kind}. For {kind.name}: {known}")


def files_of(kind: TaskKind, path: Path) -> list[Path]:
    """Return the files of a glob or a folder, in order; a folder that one reader reads is one.

    Raises:
        DataError: There is none.
    """
    if path.is_dir() and not row_format(path):
        inside = find_files(path, "**/*")
        whole = {s for r in components(TaskReader).values() if r.folders for s in r.suffixes}
        if not inside or any(plain_suffix(file) in whole for file in inside):
            return [path]
        return inside
    if path.exists() or not glob.has_magic(str(path)):
        return [path]
    if found := find_files(Path(), str(path)):
        return found
    raise DataError(f"{path}: no file matches.")


def read_records(kind: TaskKind, task: Task, path: Path, counts: Counter[str]) -> list[Any]:
    """Return the records of a file, a glob or a folder of the kind's own formats.

    Args:
        kind: Of the task.
        task: Says how to read it.
        path: The file, glob or folder.
        counts: Receives the remarks of the reader.

    Raises:
        DataError: It is missing, damaged or malformed, or has another format.
        RecipeError: No reader has the name of the format.
    """
    return [
        record for file in files_of(kind, path) for record in _read_file(kind, task, file, counts)
    ]


def _read_file(kind: TaskKind, task: Task, path: Path, counts: Counter[str]) -> list[Any]:
    reader = _reader(kind, task, path)
    if isinstance(reader, TaskReader):
        with calling(reader, path):
            return list(reader.read(path, task, counts))
    with calling(kind, path):
        if reader == "own" and kind.read is not None:
            return list(kind.read(path, task))
        if kind.from_rows is None:
            raise DataError(f"{path}: task kind {kind.name!r} reads no tables.")
        form = task.format if task.format in FORMATS else ""
        groups = [[c] if isinstance(c, str | int) else [*c] for c in task.columns.values()]
        needed = tuple(str(name) for group in groups for name in group)
        rows = read_table_rows(path, form, needed, task.separator)
        return list(kind.from_rows(rows, task, counts))


def _reader(kind: TaskKind, task: Task, path: Path) -> TaskReader | str:
    """Return the reader of a file, or `own` for that of the kind, or `rows`."""
    if task.format:
        try:
            check_format(kind, task.format)
        except PluginError as error:
            raise RecipeError(f"task {task.name!r}: format: {error}.") from None
        return "rows" if task.format in FORMATS else component(TaskReader, task.format)
    table = row_format(path)
    suffixes = {plain_suffix(path)}
    if path.is_dir() and not table:
        suffixes = {plain_suffix(item) for item in find_files(path, "**/*")}
    for reader in components(TaskReader).values():
        if reader.kind == kind.name and suffixes & {*reader.suffixes}:
            return reader
    if kind.read is None or (kind.from_rows is not None and table in _NEVER_COLUMNS):
        return "rows"
    return "own"

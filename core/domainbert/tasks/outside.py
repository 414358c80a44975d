"""Predictions made elsewhere, as by a large language model: files that are scored like a model.

A row names its record of the test split by its texts, by `words`, or by `number` from 1, and holds
labels, tags, a score or an answer as the kind of the task reads them. No row holds a gold label.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from domainbert.errors import DataError, RecipeError, listed
from domainbert.plugin.components import Baseline, OutsidePredictions, Row, TaskKind
from domainbert.plugin.domain import Prediction, Task
from domainbert.plugin.registry import calling, components
from domainbert.plugin.rows import read_table_rows
from domainbert.recipe.tasks import TaskSection
from domainbert.storage.files import expand_user, sha256_file
from domainbert.tasks.readers.table import placed
from domainbert.words import squeezed

_MODELS = {"base", "adapted", "blend", "model"}
_SHOWN = 60


def load_outside(
    section: TaskSection, kind: TaskKind, task: Task, records: Sequence[Any], folder: Path
) -> tuple[OutsidePredictions, ...]:
    """Return the predictions that a recipe names for a task.

    Args:
        section: Names the files.
        kind: Of the task.
        task: With its labels.
        records: Of the test split.
        folder: Relative paths start here.

    Raises:
        RecipeError: A name is that of another row, or the kind reads no predictions.
        DataError: A file is missing or malformed, or does not suit the records.
    """
    made, runs = [], Counter[str]()
    for number, item in enumerate(section.predictions):
        where = f"task {task.name!r}: predictions.{number}"
        if item.name in _MODELS or item.name in components(Baseline):
            raise RecipeError(f"{where}.name: {item.name!r} is another row of the table; rename.")
        if kind.predicted is None:
            raise RecipeError(f"{where}: the kind {kind.name!r} reads no predictions.")
        path = folder / expand_user(item.file)
        if not path.is_file():
            raise DataError(f"{where}.file: {path}: no such file.")
        rows = _matched(path, task, kind, records)
        predictions = tuple(
            _prediction(kind, row, record, task) for row, record in zip(rows, records, strict=True)
        )
        about = item.name, runs[item.name], item.date, item.source, sha256_file(path)
        made.append(OutsidePredictions(*about, predictions))
        runs[item.name] += 1
    return tuple(made)


def _prediction(kind: TaskKind, row: Row, record: Any, task: Task) -> Prediction:
    where, cells = row
    assert kind.predicted is not None  # noqa: S101  # refused before
    try:
        with calling(kind):
            made = kind.predicted(cells, record, task)
            wrong = kind.misfit(made, task)
    except DataError as error:
        wrong = str(error).removesuffix(".")
    if wrong:
        raise DataError(f"{where}: {wrong}.")
    return made


def _matched(path: Path, task: Task, kind: TaskKind, records: Sequence[Any]) -> list[Row]:
    """Return the row of each record.

    Raises:
        DataError: A row is of no record, a record has two rows, or has none.
    """
    places: dict[str, list[int]] = {}
    for place, record in enumerate(records):
        for key in _keys(kind.text(record)):
            places.setdefault(key, []).append(place)
    found: dict[int, Row] = {}
    for row in read_table_rows(path):
        free = _places_of(row, task, kind, records, places)
        left = [place for place in free if place not in found]
        if not left:
            first = found[free[0]][0]
            raise DataError(f"{row[0]}: record {free[0] + 1} has a prediction already, in {first}.")
        found[left[0]] = row
    for key, copies in places.items():  # one row is enough for records of one text
        given = [place for place in copies if place in found]
        if key.endswith(" ") and len(given) == 1:
            found |= dict.fromkeys(copies, found[given[0]])
    if missing := [place for place in range(len(records)) if place not in found]:
        first = f"record {missing[0] + 1}: {_shown(kind.text(records[missing[0]]))}"
        counted = f"{len(missing):,} of {len(records):,} records of test have no prediction"
        raise DataError(f"{path}: {counted}; the first is {first}.")
    return [found[place] for place in range(len(records))]


def _places_of(
    row: Row, task: Task, kind: TaskKind, records: Sequence[Any], places: Mapping[str, list[int]]
) -> list[int]:
    """Return the places of the records that a row can mean, by number or by text."""
    number, text = _named_by(row, task, kind)
    if number is None:
        if found := [places[key] for key in _keys(text or "") if key in places]:
            return found[0]
        raise DataError(f"{row[0]}: no record of test has this text: {_shown(text or '')}.")
    if not 1 <= number <= len(records):
        raise DataError(f"{row[0]}: number {number}; expected 1 to {len(records):,}.")
    expected = kind.text(records[number - 1])
    if text is not None and squeezed(text) != squeezed(expected):
        problem = f"record {number} of test has another text: {_shown(expected)}"
        raise DataError(f"{row[0]}: {problem}.")
    return [number - 1]


def _named_by(row: Row, task: Task, kind: TaskKind) -> tuple[int | None, str | None]:
    """Return number and text by which a row names its record; None for what it lacks."""
    where, cells = row
    number = cells.get("number")
    if isinstance(number, str) and number.isdecimal():  # in a table
        number = int(number)
    if number is not None and (not isinstance(number, int) or isinstance(number, bool)):
        raise DataError(f"{where}: number: {number!r}; expected a whole number from 1.")
    if kind.unlabelled is None:
        text = text_of_row(cells, task)
    else:
        with placed(where), calling(kind):
            record = kind.unlabelled(cells, task)
        text = None if record is None else kind.text(record)
    if number is None and text is None:
        known, name = listed(cells), kind.inputs[0]
        raise DataError(f"{where}: expected `{name}` or `number` of a test record; it has {known}.")
    return number, text


def text_of_row(cells: Mapping[str, Any], task: Task) -> str | None:
    """Return the text of a row of predictions; words are joined by blanks; None without any."""
    for name in dict.fromkeys((str(task.columns.get("text", "text")), "text")):
        if isinstance(cells.get(name), str):
            return str(cells[name])
    for name in dict.fromkeys((str(task.columns.get("words", "words")), "words", "tokens")):
        words = cells.get(name)
        if isinstance(words, list) and all(isinstance(word, str) for word in words):
            return " ".join(words)
    return None


def _keys(text: str) -> tuple[str, str]:
    """Return what a text is recognised by: itself with a blank, or else it without any."""
    return f"{text} ", squeezed(text)


def _shown(text: str) -> str:
    text = " ".join(text.split())
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "…")

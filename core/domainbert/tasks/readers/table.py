"""Records of classification from rows: a text and its label, or labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from domainbert.errors import DataError, listed
from domainbert.plugin.components import Row
from domainbert.plugin.domain import Task
from domainbert.plugin.records import Example, Pair

R = TypeVar("R", Example, Pair)


def examples_of_rows(rows: Iterable[Row], task: Task, _: Counter[str]) -> Iterator[Example]:
    """Yield the examples of rows.

    A row has `text` and `label`, or a list `labels`. In tables several labels in a cell are joined
    by `|`. Whole numbers are labels like text, or numbers of `task.label_names`.

    Args:
        rows: Of a table.
        task: Its `columns` name the columns where they have others.

    Raises:
        DataError: A column is missing, or a cell is empty or no label; with its place.
    """

    def read(row: Mapping[str, Any]) -> Example:
        return Example(
            *cells(row, task, str(task.columns.get("text", "text"))), group_of(row, task)
        )

    return labelled(rows, read, lambda example: (example.text,))


def labelled(
    rows: Iterable[Row], read: Callable[[dict[str, Any]], R], texts: Callable[[R], Sequence[str]]
) -> Iterator[R]:
    """Yield the records of rows, and then refuse a text that has swallowed a row.

    Args:
        rows: Of a table.
        read: A row to its record, with `labels`; its errors get the place of the row.
        texts: A record to the texts of its cells.

    Raises:
        DataError: With the place.
    """
    seen, broken = set[str](), list[tuple[str, str]]()
    for where, row in rows:
        with placed(where):
            record = read(row)
        seen.update(record.labels)
        broken += [(where, text) for text in texts(record) if "\n" in text]
        yield record
    for where, text in broken:
        _refuse_swallowed(where, text, seen - {""})


@contextmanager
def placed(where: str) -> Iterator[None]:
    """Put the place of a row in front of what is wrong with it."""
    try:
        yield
    except DataError as error:
        raise DataError(f"{where}: {error}.") from None


def group_of(row: Mapping[str, Any], task: Task) -> str:
    """Return the value of the column that groups rows; empty where the task has none.

    Raises:
        DataError: The row has no value there.
    """
    if "group" not in task.columns:
        return ""
    column = str(task.columns["group"])
    if row.get(column) in (None, ""):
        raise DataError(f"no value of `group: {column}`; the row has {listed(row)}")
    return str(row[column])


def cells(row: Mapping[str, Any], task: Task, name: str) -> tuple[str, tuple[str, ...]]:
    """Return the text in the column `name`, and the labels of a row.

    Raises:
        DataError: A column is missing, or a cell is empty or no label.
    """
    given = str(task.columns.get("label", "label"))
    either = (given,) if "label" in task.columns and given in row else (given, "labels")
    keys = [key for key in dict.fromkeys(either) if key in row]
    if len(keys) > 1:
        raise DataError(f"has the columns `{keys[0]}` and `{keys[1]}`. Keep one")
    if name not in row or not keys:
        lacking = given if name in row else name
        what = f"no column {lacking!r}; there are {listed(row)}"
        raise DataError(f"{what}. Name it with `columns`, as {{text: …, label: …}}")
    text, value = row[name], row[keys[0]]
    if not isinstance(text, str) or not _are_labels(value):
        what = repr(text if not isinstance(text, str) else value)[:60]
        if value is None:
            what += ": no label, as in a split that keeps them secret"
        raise DataError(
            f"expected `{name}` as text and `{keys[0]}` as text or whole numbers, found {what}"
        )
    if not text.strip():
        raise DataError("the text is empty")
    return text, _named_labels(value, task)


def labels_of_row(row: Mapping[str, Any], task: Task) -> tuple[str, ...]:
    """Return the labels of a row of predictions, as `label` or a list `labels`.

    Raises:
        DataError: There are none, or something else; without a place.
    """
    given = str(task.columns.get("label", "label"))
    keys = [key for key in dict.fromkeys((given, "label", "labels")) if key in row]
    if len(keys) != 1:
        known = listed(row)
        raise DataError(f"expected `label`, or a list `labels`, one of the two; it has {known}")
    value = row[keys[0]]
    if not _are_labels(value):
        raise DataError(f"expected `{keys[0]}` as text or whole numbers, found {value!r:.60}")
    return _named_labels(value, task)


def _named_labels(value: Any, task: Task) -> tuple[str, ...]:
    labels: list[Any] = value if isinstance(value, list) else [value]
    if task.multi_label and isinstance(value, str):
        labels = value.split("|") if value else []
    elif value == "":
        labels = []
    named = tuple(named_label(label, task.label_names) for label in labels)
    if any(not label or label != label.strip() for label in named):
        raise DataError(f"a label is empty or has blanks around it: {named}")
    if len(set(named)) < len(named):
        raise DataError(f"a label stands twice: {named}")
    return named


def _are_labels(value: Any) -> bool:
    labels = value if isinstance(value, list) else [value]
    return all(isinstance(label, str | int) and not isinstance(label, bool) for label in labels)


def named_label(label: str | int, names: tuple[str, ...]) -> str:
    """Return a label, or its name if it is a number of `label_names`.

    Raises:
        DataError: A number without a name.
    """
    if not names or (label in names and not str(label).isdecimal()):
        return str(label)
    number = int(label) if str(label).isdecimal() else -1
    if not 0 <= number < len(names):
        raise DataError(f"the label {label!r} is no number of `label_names`, 0 to {len(names) - 1}")
    return names[number]


def _refuse_swallowed(where: str, text: str, labels: set[str]) -> None:
    """Refuse a text in which another row stands, as after a quote that opens by mistake.

    Raises:
        DataError: With the end of that row.
    """
    lines = text.split("\n")
    ends = [line for line in lines[:-1] for sign in ",\t" if line.rpartition(sign)[2] in labels]
    starts = [line for line in lines[1:] for sign in ",\t" if line.partition(sign)[0] in labels]
    if both := ends or starts:
        what = f"the text spans {len(lines)} lines, and {both[0][-60:]!r} looks like a row"
        cure = "A quote at the start of a cell opens it: double it, or remove it"
        raise DataError(f"{where}: {what}. {cure}.")

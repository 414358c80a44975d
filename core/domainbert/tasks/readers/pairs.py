"""Records of two texts, of questions with choices, and of numbers, from the rows of tables."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from decimal import Decimal
from typing import Any

from domainbert.errors import DataError, listed
from domainbert.plugin.components import Row
from domainbert.plugin.domain import Task
from domainbert.plugin.records import Choices, Pair, Rating
from domainbert.tasks.readers.table import cells, group_of, labelled, named_label, placed
from domainbert.words import squeezed

# Names that public data sets use; taken where a row has exactly one of these pairs.
_USUAL = (
    ("text", "second"), ("premise", "hypothesis"), ("sentence1", "sentence2"),
    ("question1", "question2"),
)  # fmt: skip
_QUESTION, _ANSWER, _SCORE = (
    ("text", "question"),
    ("label", "answer", "answerKey"),
    ("label", "score"),
)
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
"""Names of the choices of a question, in their order."""
# Squares of scores have to stay finite in single precision.
_LARGEST = 1e15


def pairs_of_rows(rows: Iterable[Row], task: Task, _: Counter[str]) -> Iterator[Pair]:
    """Yield the pairs of rows.

    A row has `text`, `second` and `label`. In place of the first two, `premise` and `hypothesis`,
    `sentence1` and `sentence2`, or `question1` and `question2` are read if no other such pair is
    there. Labels are as in classification.

    Args:
        rows: Of a table.
        task: Its `columns` name the columns where they have others.

    Raises:
        DataError: A column is missing, or a cell is empty or no label; with its place.
    """
    return labelled(rows, lambda row: _pair(row, task), lambda pair: (pair.text, pair.second))


def questions_of_rows(rows: Iterable[Row], task: Task, _: Counter[str]) -> Iterator[Choices]:
    """Yield the questions of rows.

    A row has `text` or `question`; `choices`; and `label`, `answer` or `answerKey`. Choices are a
    list of texts, an object of texts by name, lists `text` and `label` in an object, or the cells
    of several columns. The answer is a name, a letter, a number from 0, or the text of a choice.

    Args:
        rows: Of a table.
        task: Its `columns` name the columns where they have others, `label_names` its numbers.

    Raises:
        DataError: A column is missing or empty, or no choice or several are meant; with its place.
    """
    for where, row in rows:
        with placed(where):
            question = _question(row, task)
        yield question


def ratings_of_rows(rows: Iterable[Row], task: Task, _: Counter[str]) -> Iterator[Rating]:
    """Yield the texts, or pairs of texts, and the numbers of rows.

    A row has `text` and `label` or `score`. It is a pair if `second` is there, or if the texts
    have other usual names of pairs; see `pairs_of_rows`.

    Args:
        rows: Of a table.
        task: Its `columns` name the columns where they have others.

    Raises:
        DataError: A column is missing, a text is empty, or a cell is no finite number; with its
            place.
    """
    for where, row in rows:
        with placed(where):
            rating = _rating(row, task)
        yield rating


def unlabelled_pair(row: Mapping[str, Any], task: Task) -> Pair | None:
    """Return the pair of a row without its label; None where the row has neither text."""
    return Pair(*_texts(row, task), ()) if _has_texts(row, task) else None


def unlabelled_rating(row: Mapping[str, Any], task: Task) -> Rating | None:
    """Return the text or texts of a row, scored 0; None where the row has neither."""
    if not _has_texts(row, task):
        return None
    text, second = _texts(row, task, single=True)
    return Rating(text, 0.0, second)


def _has_texts(row: Mapping[str, Any], task: Task) -> bool:
    return any(name in row for name in _pair_columns(row, task))


def _texts(row: Mapping[str, Any], task: Task, single: bool = False) -> tuple[str, str]:
    """Return the two texts of a row; the second is empty where a `single` text is one, too."""
    first, second = _pair_columns(row, task)
    alone = single and second not in row and "second" not in task.columns
    return text_cell(row, first, "text"), "" if alone else text_cell(row, second, "second")


def unlabelled_choices(row: Mapping[str, Any], task: Task) -> Choices | None:
    """Return question and choices of a row; None where the row has no question."""
    if usual_column(row, task, "text", _QUESTION) not in row:
        return None
    text, _, choices = _asked(row, task)
    return Choices(text, tuple(choices), ())


def choice_of_row(row: Mapping[str, Any], question: Choices, task: Task) -> str:
    """Return the letter of the choice that a row of predictions takes.

    Raises:
        DataError: It takes none, or none of the question's; without a place.
    """
    given = task.columns.get("choices", "choices")
    columns = given if isinstance(given, tuple) else (str(given),)
    choices = list(question.choices)
    names, own = _choices(row, task) if all(name in row for name in columns) else ([], choices)
    if [squeezed(str(choice)) for choice in own] != [squeezed(choice) for choice in choices]:
        raise DataError(f"its choices are not those of the record, which are {question.choices}")
    answer = row[_answer_column(row, task, _ANSWER)]
    return LETTERS[_right(answer, names, choices, task)]


def number_of_row(row: Mapping[str, Any], task: Task) -> float:
    """Return the number of a row of predictions.

    Raises:
        DataError: There is none, or it is not finite; without a place.
    """
    column = _answer_column(row, task, _SCORE)
    return _number(row[column], column)


def _answer_column(row: Mapping[str, Any], task: Task, usual: tuple[str, ...]) -> str:
    names = dict.fromkeys((str(task.columns.get("label", usual[0])), *usual))
    found = [name for name in names if name in row]
    if len(found) != 1:
        one_of = " or ".join(f"`{name}`" for name in names)
        raise DataError(f"expected {one_of}, one of them; it has {listed(row)}")
    return found[0]


def _pair(row: Mapping[str, Any], task: Task) -> Pair:
    first, second = _pair_columns(row, task)
    text, labels = cells(row, task, first)
    return Pair(text, text_cell(row, second, "second"), labels, group_of(row, task))


def _pair_columns(row: Mapping[str, Any], task: Task) -> tuple[str, str]:
    given = task.columns
    if "text" in given or "second" in given:
        return str(given.get("text", "text")), str(given.get("second", "second"))
    found = [names for names in _USUAL if all(name in row for name in names)]
    if len(found) > 1:
        several = " and ".join(f"`{a}`, `{b}`" for a, b in found)
        raise DataError(f"has the pairs {several}. Name one with `columns`, {_NAMED}")
    return found[0] if found else _USUAL[0]


_NAMED = "as {text: …, second: …}"


def text_cell(row: Mapping[str, Any], name: str, key: str) -> str:
    """Return the text of a column, which is not empty."""
    if name not in row:
        named = _NAMED if key == "second" else f"as {{{key}: …}}"
        what = f"no column {name!r}; there are {listed(row)}"
        raise DataError(f"{what}. Name it with `columns`, {named}")
    if not isinstance(row[name], str):
        raise DataError(f"expected `{name}` as text, found {str(row[name])[:60]!r}")
    if not row[name].strip():
        raise DataError(f"the text in `{name}` is empty")
    return str(row[name])


def usual_column(row: Mapping[str, Any], task: Task, key: str, usual: tuple[str, ...]) -> str:
    """Return the name of a column: that of the task, or the usual one that the row has."""
    if key in task.columns:
        return str(task.columns[key])
    found = [name for name in usual if name in row]
    if len(found) > 1:
        several = " and ".join(f"`{name}`" for name in found)
        raise DataError(f"has the columns {several}. Name one with `columns`, as {{{key}: …}}")
    return found[0] if found else usual[0]


def _asked(row: Mapping[str, Any], task: Task) -> tuple[str, list[str], list[str]]:
    """Return question, names and texts of the choices of a row."""
    text = text_cell(row, usual_column(row, task, "text", _QUESTION), "text")
    names, choices = _choices(row, task)
    if not 2 <= len(choices) <= len(LETTERS):
        raise DataError(f"{len(choices)} choices; expected 2 to {len(LETTERS)}")
    if names and not len({*names}) == len(names) == len(choices):
        raise DataError(f"{len(choices)} choices are named {names}; expected one name each")
    for letter, choice in zip(LETTERS, choices, strict=False):
        if not isinstance(choice, str) or not choice.strip():
            raise DataError(f"choice {letter} is empty or no text")
    return text, names, choices


def _question(row: Mapping[str, Any], task: Task) -> Choices:
    text, names, choices = _asked(row, task)
    column = usual_column(row, task, "label", _ANSWER)
    if row.get(column) in (None, ""):
        raise DataError(f"no right choice in `{column}`; there are {listed(row)}")
    right = _right(row[column], names, choices, task)
    return Choices(text, tuple(choices), (LETTERS[right],), group_of(row, task))


def _choices(row: Mapping[str, Any], task: Task) -> tuple[list[str], list[Any]]:
    """Return the names of the choices, if they have any, and their texts."""
    column = task.columns.get("choices", "choices")
    if isinstance(column, tuple):
        cells_of = [row.get(name) for name in column]
        while cells_of and cells_of[-1] in (None, ""):  # a question with fewer choices
            cells_of.pop()
        return list(column[: len(cells_of)]), cells_of
    cell: Any = row.get(str(column))
    if isinstance(cell, dict):
        # As `datasets` keeps a list of objects, or texts by their names.
        lists = all(isinstance(cell.get(key), list) for key in ("label", "text"))
        names, texts = (cell["label"], cell["text"]) if lists else (cell, cell.values())
        return list(map(str, names)), list(texts)
    if not isinstance(cell, list):
        raise DataError(
            f"expected a list of texts in `{column}`; there are {listed(row)}. Name it with "
            "`columns`, as {choices: …}, or several as {choices: [a, b]}"
        )
    if cell and all(isinstance(item, dict) for item in cell):
        names = [item["label"] for item in cell if "label" in item]
        return list(map(str, names)), [item.get("text") for item in cell]
    return [], cell


def _right(answer: Any, names: list[str], choices: list[Any], task: Task) -> int:
    """Return the number of the right choice."""
    if isinstance(answer, bool) or not isinstance(answer, str | int):
        raise DataError(f"expected the right choice as text or a whole number, found {answer!r}")
    said = str(answer).strip()
    if said in names:
        return names.index(said)
    if task.label_names:
        said = named_label(answer, task.label_names)
    found = {number for number, choice in enumerate(choices) if choice.strip() == said}
    if said.isdecimal() and int(said) < len(choices):
        found.add(int(said))
    if len(said) == 1 and said in LETTERS[: len(choices)]:
        found.add(LETTERS.index(said))
    if len(found) == 1:
        return found.pop()
    letters = LETTERS[: len(choices)]
    what = "may be several of the choices" if found else "is none of the choices"
    raise DataError(
        f"{answer!r} {what}; expected a letter of {letters}, a number from 0 to "
        f"{len(choices) - 1}, or the text of one choice. `label_names: [none, A, B]` names "
        "numbers from 1"
    )


def _rating(row: Mapping[str, Any], task: Task) -> Rating:
    text, other = _texts(row, task, single=True)
    column = usual_column(row, task, "label", _SCORE)
    if column not in row:
        what = f"no column {column!r}; there are {listed(row)}"
        raise DataError(f"{what}. Name it with `columns`, as {{label: …}}")
    return Rating(text, _number(row[column], column), other, group_of(row, task))


def _number(value: Any, column: str) -> float:
    number = math.nan
    # Python reads 1_000 as a number, too.
    told = isinstance(value, int | float | str | Decimal) and not isinstance(value, bool)
    if told and "_" not in str(value):
        with suppress(ValueError, OverflowError):
            number = float(value)
    if not abs(number) <= _LARGEST:  # true for NaN, too
        cure = "Numbers have a decimal point and no unit, as -1.25"
        raise DataError(f"expected a number in `{column}`, found {str(value)[:60]!r}. {cure}")
    return number

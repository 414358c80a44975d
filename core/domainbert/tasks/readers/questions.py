"""Questions with answers in a text: SQuAD's files, and rows of tables."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from domainbert.errors import DataError, listed
from domainbert.plugin.components import Row
from domainbert.plugin.domain import Task
from domainbert.plugin.readers import read_utf8
from domainbert.plugin.records import Question
from domainbert.plugin.rows import read_table_rows
from domainbert.plugin.tables import each_once
from domainbert.tasks.readers.table import group_of, placed

_HOW = (
    "expected `answers` as {text: […], answer_start: […]} or as a list of objects with these keys, "
    "or the columns `answer` and `answer_start`"
)


def read_squad(path: Path, task: Task, counts: Counter[str]) -> Iterator[Question]:
    """Yield the questions of a file of SQuAD 1.1 or 2.0, or of a JSON list of rows.

    Args:
        path: A JSON file, plain or compressed.
        task: Names the columns of rows.
        counts: Receives the remarks of `questions_of_rows`.

    Raises:
        DataError: No JSON, of another shape, or as of `questions_of_rows`; with path and id.
    """
    text = read_utf8(path)
    if text.lstrip()[:1] == "[":
        yield from questions_of_rows(read_table_rows(path, "json"), task, counts)
        return
    try:
        content = json.loads(text, object_pairs_hook=each_once)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: not valid JSON: {error}.") from None
    yield from questions_of_rows(_rows(content, path), task, counts)


def _rows(content: Any, path: Path) -> Iterator[Row]:
    """Yield the questions of SQuAD's nested lists as rows."""
    for article, about in _items(content, "data", f"{path}: "):
        for paragraph, inside in _items(about, "paragraphs", f"{article}."):
            shared = {"context": inside.get("context"), "title": about.get("title")}
            for where, question in _items(inside, "qas", f"{paragraph}."):
                yield where, {**question, **shared}


def _items(holder: Any, key: str, where: str) -> Iterator[Row]:
    items = holder.get(key) if isinstance(holder, dict) else None
    if not isinstance(items, list):
        raise DataError(f"{where}{key}: expected a list, as in SQuAD's files.")
    for number, item in enumerate(items):
        if not isinstance(item, dict):
            raise DataError(f"{where}{key}[{number}]: expected an object, found {item!r:.60}.")
        yield f"{where}{key}[{number}]", item


def questions_of_rows(rows: Iterable[Row], task: Task, counts: Counter[str]) -> Iterator[Question]:
    """Yield the questions of rows.

    A row has `question`, `context`, and `answers` as data sets of the hub have them, or the columns
    `answer` and `answer_start`; no answer, or an empty one, says that the context has none. An
    answer that is not at its offset is looked for: at one other place alone it is read there, and
    `counts["moved_answers"]` counts it. Without an offset it has to have one place.

    Args:
        rows: Of a table or a file of SQuAD.
        task: Its `columns` name the columns where they have others.
        counts: Receives the remarks.

    Raises:
        DataError: A column is missing, a text empty, an answer not in the context, or an id that of
            another question; with its place.
    """
    places: dict[str, str] = {}
    for where, row in rows:
        name = _cell(row, task, "id")
        named = str(name) if isinstance(name, str | int) else ""
        place = f"{where} (id {named!r})" if named else where
        with placed(place):
            question = _question(row, task, counts, named)
        if named and named in places:
            raise DataError(f"{place}: is the id of {places[named]}, too. Give each its own.")
        places[named] = where
        yield question


def _cell(row: Mapping[str, Any], task: Task, key: str) -> Any:
    return row.get(str(task.columns.get(key, key)))


def unlabelled_question(row: Mapping[str, Any], task: Task) -> Question | None:
    """Return question and context of a row; None where it has neither.

    Raises:
        DataError: One of them is missing, empty or no text; without a place.
    """
    if all(_cell(row, task, key) is None for key in ("question", "context")):
        return None
    return Question(*_texts(row, task), (), ())


def answer_of_row(row: Mapping[str, Any], task: Task) -> str:
    """Return the answer of a row of predictions, an empty text for none.

    Raises:
        DataError: It has no `answer`, or one that is no text; without a place.
    """
    answer = _cell(row, task, "answer")
    if not isinstance(answer, str):
        name = task.columns.get("answer", "answer")
        what = f"found {answer!r:.60} among {listed(row)}"
        raise DataError(f"expected `{name}` as text, empty for no answer; {what}")
    return answer


def _texts(row: Mapping[str, Any], task: Task) -> tuple[str, str]:
    """Return question and context of a row."""
    question, context = (_cell(row, task, key) for key in ("question", "context"))
    for key, text in (("question", question), ("context", context)):
        if text is None:
            raise DataError(f"no `{task.columns.get(key, key)}`; there are {listed(row)}")
        if not isinstance(text, str) or not text.strip():
            raise DataError(f"expected `{task.columns.get(key, key)}` as text, found {text!r:.60}")
    return question, context


def _question(row: dict[str, Any], task: Task, counts: Counter[str], name: str) -> Question:
    question, context = _texts(row, task)
    given = _answers(row, task)
    impossible = str(row.get("is_impossible")).casefold()  # a text in tables
    if impossible in {"true", "1"} and given:
        raise DataError(f"`is_impossible`, and {len(given)} answers. Remove one of them")
    if impossible in {"false", "0"} and not given:
        raise DataError("no answer, and `is_impossible` is false")
    found = dict.fromkeys(_placed(context, text, start, counts) for text, start in given)
    title = _cell(row, task, "title")
    # Questions on one article, or else on one text, stay together where splits are cut.
    document = group_of(row, task) or (title if isinstance(title, str) and title else context)
    answers, starts = tuple(text for text, _ in found), tuple(start for _, start in found)
    return Question(question, context, answers, starts, name, document)


def _answers(row: dict[str, Any], task: Task) -> list[tuple[str, int | None]]:
    """Return the answers of a row with their offsets, as far as it has them."""
    value, alone = _cell(row, task, "answers"), _cell(row, task, "answer")
    if value is None and alone is not None:
        value = [{"text": alone, "answer_start": _cell(row, task, "answer_start")}] if alone else []
    if isinstance(value, dict):
        texts, starts = value.get("text"), value.get("answer_start")
        starts = [None] * len(texts) if starts is None and isinstance(texts, list) else starts
        if not isinstance(texts, list) or not isinstance(starts, list):
            raise DataError(f"`answers` is {value!r:.60}; {_HOW}")
        if len(texts) != len(starts):
            raise DataError(f"{len(texts)} answers, {len(starts)} offsets")
        value = [{"text": t, "answer_start": s} for t, s in zip(texts, starts, strict=True)]
    if not isinstance(value, list):
        what = "no answers" if value is None else f"`answers` is {value!r:.60}"
        raise DataError(f"{what}; {_HOW}")
    return [_answer(item) for item in value]


def _answer(item: Any) -> tuple[str, int | None]:
    text = item.get("text") if isinstance(item, dict) else item
    start: Any = item.get("answer_start") if isinstance(item, dict) else None
    if isinstance(start, str):
        start = int(start) if start.strip().isdecimal() else start or None
    whole = start is None or (isinstance(start, int) and not isinstance(start, bool))
    if not isinstance(text, str) or not text.strip() or not whole:
        raise DataError(f"expected an answer as text, and its offset, found {item!r:.80}")
    return text, start


def _placed(context: str, answer: str, start: int | None, counts: Counter[str]) -> tuple[str, int]:
    """Return an answer and the offset where it is."""
    if start is not None and start >= 0 and context.startswith(answer, start):
        return answer, start
    times = context.count(answer)
    if times == 1:
        counts["moved_answers"] += start is not None
        return answer, context.index(answer)
    found = f"the context has the answer {answer[:60]!r} {times} times"
    if start is None:
        raise DataError(f"{found}, and no `answer_start` says which is meant")
    there = context[max(0, start) : max(0, start) + len(answer)][:60]
    raise DataError(f"at {start} stands {there!r}, and {found}. Was the file re-encoded?")

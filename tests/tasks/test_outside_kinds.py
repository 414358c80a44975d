"""Predictions made elsewhere of pairs, choices, numbers, relations and answers."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers.pairs import pairs, questions, ratings
from helpers.rows import LOADED, row_of
from helpers.tasks import question_answering, relation

from domainbert.errors import DataError
from domainbert.plugin.components import LoadedTask
from domainbert.plugin.domain import Prediction
from domainbert.recipe.tasks import TaskSection
from domainbert.tasks.metrics.score import kind_of, score
from domainbert.tasks.outside import load_outside

# Of each kind: what a row says, and what is read of it.
SAID: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "pairs": ({"label": "yes"}, ("yes",)),
    "multiple-choice": ({"label": "C"}, ("C",)),
    "regression": ({"score": 171}, ("171.0",)),
    "rated pairs": ({"label": "-1.5e2"}, ("-150.0",)),
    "relation": ({"label": "moves"}, ("moves",)),
    "question-answering": ({"answer": "nobody at all"}, ("nobody at all",)),
}


def read(folder: Path, loaded: LoadedTask, rows: list[dict[str, Any]]) -> tuple[Prediction, ...]:
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "made.jsonl").write_text(lines, encoding="utf-8")
    about = {"file": "made.jsonl", "name": "some-llm", "date": "2026-05-01"}
    section = TaskSection.model_validate({"name": "town", "predictions": [about]})
    task, records = loaded.task, loaded.splits["test"]
    return load_outside(section, kind_of(task), task, records, folder)[0].predictions


def refusal(folder: Path, loaded: LoadedTask, rows: list[dict[str, Any]]) -> str:
    with pytest.raises(DataError) as caught:
        read(folder, loaded, rows)
    return str(caught.value).replace(f"{folder}/", "")


def distinct(name: str) -> LoadedTask:
    """Return a task with one test record of each text."""
    loaded = LOADED[name]()
    text = kind_of(loaded.task).text
    records = tuple({text(record): record for record in loaded.splits["test"]}.values())
    assert len(records) > 3
    return replace(loaded, splits={**loaded.splits, "test": records})


@pytest.mark.parametrize("name", LOADED)
def test_rows_find_their_records_by_texts_or_number_or_both(tmp_path: Path, name: str) -> None:
    loaded, (said, expected) = distinct(name), SAID[name]
    records = loaded.splits["test"]
    by_texts = [row_of(record) | said for record in reversed(records)]
    by_number = [{"number": n, **said} for n in range(len(records), 0, -1)]
    both = [row_of(record) | {"number": n} | said for n, record in enumerate(records, 1)]
    for rows in (by_texts, by_number, both):
        made = read(tmp_path, loaded, rows)
        assert [p.predicted for p in made] == [expected] * len(records)
    assert score(loaded.task, made)  # the gold side is that of the records
    swapped = [*both[1:], both[0]]
    for n, row in enumerate(swapped, 1):
        row["number"] = n
    assert refusal(tmp_path, loaded, swapped).startswith(
        "made.jsonl:1: record 1 of test has another text: "
    )
    assert refusal(tmp_path, loaded, by_number[1:]).startswith(
        f"made.jsonl: 1 of {len(records)} records of test have no prediction; the first is record "
    )


@pytest.mark.parametrize("name", LOADED)
def test_rows_of_other_data_are_refused(tmp_path: Path, name: str) -> None:
    loaded, (said, _) = LOADED[name](), SAID[name]
    row = row_of(loaded.splits["test"][0]) | said
    key = {"question-answering": "context"}.get(name, "text")
    other = {**row, key: row[key] + " today"}
    assert refusal(tmp_path, loaded, [other]).startswith(
        "made.jsonl:1: no record of test has this text: "
    )
    first = kind_of(loaded.task).inputs[0]
    assert refusal(tmp_path, loaded, [said]).startswith(
        f"made.jsonl:1: expected `{first}` or `number` of a test record; it has "
    )


def test_the_second_text_and_the_choices_name_a_record_too(tmp_path: Path) -> None:
    one = pairs().splits["test"][0]
    both = pairs(test=(one, replace(one, second="the harbour was new")))
    rows = [row_of(record) | {"label": label} for record, label in
            zip(both.splits["test"], ("no", "yes"), strict=True)]  # fmt: skip
    made = read(tmp_path, both, rows[::-1])
    assert [p.predicted for p in made] == [("no",), ("yes",)]
    lacking = {"text": one.text, "label": "no"}
    assert "made.jsonl:1: no column 'second'; there are text, label" in (
        refusal(tmp_path, both, [lacking])
    )
    ask = questions().splits["test"][0]
    asked = questions(test=(ask,))
    other = {**row_of(ask), "choices": ask.choices[::-1], "label": "A"}
    assert "no record of test has this text" in refusal(tmp_path, asked, [other])


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ({"answer": "b"}, "made.jsonl:1: 'b' is none of the choices; expected a letter of ABC, "),
        ({"label": "D"}, "made.jsonl:1: 'D' is none of the choices; expected a letter of ABC, "),
        ({}, "made.jsonl:1: expected `label` or `answer` or `answerKey`, one of them; it has "),
        ({"label": "A", "answer": "B"}, "made.jsonl:1: expected `label` or `answer` or "),
        ({"label": 2}, "C"),
        ({"answer": "B"}, "B"),
        ({"answerKey": "the harbour"}, "A"),
    ],
)
def test_a_choice_is_a_letter_a_number_or_a_text(
    tmp_path: Path, cells: dict[str, Any], expected: str
) -> None:
    ask = replace(questions().splits["test"][0], choices=("the harbour", "a", "the town"))
    loaded, row = questions(test=(ask,)), {"number": 1, **cells}
    if len(expected) == 1:
        assert read(tmp_path, loaded, [row]) == (Prediction(ask.labels, (expected,), (expected,)),)
    else:
        assert refusal(tmp_path, loaded, [row]).startswith(expected)


def test_choices_in_another_order_are_refused(tmp_path: Path) -> None:
    ask = replace(questions().splits["test"][0], choices=("a", "b", "c"))
    loaded = questions(test=(ask,))
    for choices in (["c", "b", "a"], {"label": ["A", "B", "C"], "text": ["c", "b", "a"]}):
        said = refusal(tmp_path, loaded, [{"number": 1, "choices": choices, "answer": "A"}])
        assert said == (
            "made.jsonl:1: its choices are not those of the record, which are ('a', 'b', 'c')."
        )
    named = {"label": ["1", "2", "3"], "text": ["a", "b", "c"]}
    (made,) = read(tmp_path, loaded, [{"number": 1, "choices": named, "answer": "2"}])
    assert made.predicted == ("B",)


@pytest.mark.parametrize("value", [float("nan"), "nan", "inf", "1_0", True, None, "much", ""])
def test_a_score_that_is_no_finite_number_is_refused(tmp_path: Path, value: Any) -> None:
    loaded = ratings(test=ratings().splits["test"][:1])
    said = refusal(tmp_path, loaded, [{"number": 1, "score": value}])
    assert said.startswith("made.jsonl:1: expected a number in `score`, found ")


def test_the_null_class_of_relations_becomes_no_class(tmp_path: Path) -> None:
    loaded = relation()
    labels = [record.labels[0] for record in loaded.splits["test"]]
    rows = [{"number": n, "label": label} for n, label in enumerate(labels, 1)]
    made = read(tmp_path, loaded, rows)
    assert [p.gold for p in made] == [() if name == "none" else (name,) for name in labels]
    assert [p.predicted for p in made] == [p.gold for p in made]
    assert score(loaded.task, made)["f1_relation"] == 1.0
    all_none = read(tmp_path, loaded, [{**row, "label": "none"} for row in rows])
    assert score(loaded.task, all_none)["f1_relation"] == 0.0
    for wrong, message in (
        ("", "0 labels; expected one, 'none' for no relation."),
        (["finds", "moves"], "2 labels; expected one, 'none' for no relation."),
        ("hits", "'hits' is no label of the task (finds, moves, none)."),
    ):
        said = refusal(tmp_path, loaded, [{"number": 1, "label": wrong}, *rows[1:]])
        assert said == f"made.jsonl:1: {message}"


def test_relations_are_known_by_their_entities(tmp_path: Path) -> None:
    record = relation().splits["test"][0]
    swapped = replace(record, first=record.second, second=record.first)
    loaded = relation(test=(record, swapped))
    rows = [row_of(one) | {"label": label} for one, label in
            ((swapped, "moves"), (record, "finds"))]  # fmt: skip
    assert [p.predicted for p in read(tmp_path, loaded, rows)] == [("finds",), ("moves",)]
    same = {**rows[0], "second": rows[0]["first"]}
    assert "both entities are " in refusal(tmp_path, loaded, [same])
    outside = {**rows[0], "second": [0, 900]}
    assert "made.jsonl:1: `second`: offsets 0 to 900 lie outside" in (
        refusal(tmp_path, loaded, [outside])
    )


def test_answers_are_compared_as_texts(tmp_path: Path) -> None:
    loaded = question_answering(unanswered=True)
    records = loaded.splits["test"]
    # Not as they stand in the context: SQuAD's script removes case, articles and signs.
    given = [f"The {q.answers[0].upper()}!" if q.answers else "" for q in records]
    rows = [{"number": n, "answer": answer} for n, answer in enumerate(given, 1)]
    assert score(loaded.task, read(tmp_path, loaded, rows)) == {
        "f1_answer": 1.0, "exact_match": 1.0,
    }  # fmt: skip
    none = read(tmp_path, loaded, [{**row, "answer": ""} for row in rows])
    share = sum(not q.answers for q in records) / len(records)
    assert 0 < share < 1 and score(loaded.task, none)["exact_match"] == share
    one = question_answering(test=records[:1])
    for wrong in (None, ["a"], 3):
        assert refusal(tmp_path, one, [{"number": 1, "answer": wrong}]) == (
            "made.jsonl:1: expected `answer` as text, empty for no answer; "
            f"found {wrong!r} among number, answer."
        )
    assert refusal(tmp_path, one, [{"number": 1}]).endswith("found None among number.")

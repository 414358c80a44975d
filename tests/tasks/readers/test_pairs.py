from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from helpers.tasks import labelled

from domainbert.errors import DataError
from domainbert.plugin.components import TaskKind
from domainbert.plugin.records import Choices, Pair, Rating
from domainbert.plugin.registry import component
from domainbert.tasks.read import read_records
from domainbert.tasks.readers.pairs import ratings_of_rows


def rows(folder: Path, kind: str, *given: dict[str, Any], **how: Any) -> list[Any]:
    path = folder / "rows.jsonl"
    path.write_text("\n".join(map(json.dumps, given)) + "\n", encoding="utf-8")
    return table(path, kind, **how)


def table(path: Path, kind: str, **how: Any) -> list[Any]:
    return read_records(component(TaskKind, kind), labelled(kind, **how), path, Counter())


def refused(folder: Path, kind: str, *given: dict[str, Any], **how: Any) -> str:
    with pytest.raises(DataError) as caught:
        rows(folder, kind, *given, **how)
    return str(caught.value).removeprefix(f"{folder}/")


@pytest.mark.parametrize(
    ("names", "columns"),
    [
        (("text", "second"), {}),
        (("premise", "hypothesis"), {}),
        (("sentence1", "sentence2"), {}),
        (("question1", "question2"), {}),
        (("claim", "passage"), {"text": "claim", "second": "passage"}),
        (("text", "passage"), {"second": "passage"}),
    ],
)
def test_pairs_are_read(tmp_path: Path, names: tuple[str, str], columns: dict[str, str]) -> None:
    row = {names[0]: "a barn", names[1]: "a mill", "label": 1}
    made = rows(tmp_path, "pairs", row, columns=columns, label_names=("no", "yes"))
    assert made == [Pair("a barn", "a mill", ("yes",))]


def test_pairs_of_a_csv_are_read_with_their_group(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('text,second,label,doc\n"a, b",c,x,7\n', encoding="utf-8")
    (made,) = table(tmp_path / "a.csv", "pairs", columns={"group": "doc"})
    assert (made, made.document) == (Pair("a, b", "c", ("x",)), "7")


NAMED = "Name it with `columns`"
TWO = "`text`, `second` and `premise`, `hypothesis`"
SECRET = (
    "expected `text` as text and `label` as text or whole numbers, found None: no label, as in a "
    "split that keeps them secret."
)
NO_PAIR = "there are text, label. Name it with `columns`, as {text: …, second: …}."


@pytest.mark.parametrize(
    ("row", "how", "message"),
    [
        ({"text": "a", "label": "x"}, {}, f"no column 'second'; {NO_PAIR}"),
        ({"second": "a", "label": "x"}, {},
         f"no column 'text'; there are second, label. {NAMED}, as {{text: …, label: …}}."),
        ({"text": "a", "second": "  ", "label": "x"}, {}, "the text in `second` is empty."),
        ({"text": "", "second": "b", "label": "x"}, {}, "the text is empty."),
        ({"text": "a", "second": 3, "label": "x"}, {}, "expected `second` as text, found '3'."),
        ({"text": "a", "second": "b", "label": None}, {}, SECRET),
        ({"text": "a", "second": "b", "premise": "c", "hypothesis": "d", "label": "x"}, {},
         f"has the pairs {TWO}. Name one with `columns`, as {{text: …, second: …}}."),
        ({"text": "a", "second": "b", "label": 2}, {"label_names": ("no", "yes")},
         "the label 2 is no number of `label_names`, 0 to 1."),
    ],
)  # fmt: skip
def test_bad_pairs_are_named(
    tmp_path: Path, row: dict[str, Any], how: dict[str, Any], message: str
) -> None:
    good = {"text": "a", "second": "b", "label": "yes"}
    assert refused(tmp_path, "pairs", good, row, **how) == f"rows.jsonl:2: {message}"


def test_a_row_that_a_quote_swallowed_is_refused(tmp_path: Path) -> None:
    text = 'text,second,label\na,b,x\nc,"d,y\ne,f,x\ng,""h",x\n'
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=r"the text spans 3 lines, and .* looks like a row"):
        table(tmp_path / "a.csv", "pairs")


LIST = ["a map", "a rope", "a mill"]
ASKED = Choices("what", tuple(LIST), ("B",))


@pytest.mark.parametrize(
    "row",
    [
        {"text": "what", "choices": LIST, "label": "B"},
        {"text": "what", "choices": LIST, "label": 1},
        {"text": "what", "choices": LIST, "label": "1"},
        {"question": "what", "choices": LIST, "answer": "a rope"},
        {"question": "what", "choices": {"a": LIST[0], "b": LIST[1], "c": LIST[2]}, "answer": "b"},
        {"question": "what", "choices": {"text": LIST, "label": ["1", "2", "3"]}, "answerKey": "2"},
        {"question": "what", "answerKey": "B", "choices": [
            {"label": name, "text": text} for name, text in zip("ABC", LIST, strict=True)
        ]},
    ],
)  # fmt: skip
def test_questions_are_read(tmp_path: Path, row: dict[str, Any]) -> None:
    assert rows(tmp_path, "multiple-choice", row) == [ASKED]


def test_choices_may_be_several_columns_and_fewer_in_some_rows(tmp_path: Path) -> None:
    text = "text,opa,opb,opc,cop\nwhat,a map,a rope,a mill,2\nwho,a baker,a clerk,,1\n"
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    columns = {"choices": ("opa", "opb", "opc"), "label": "cop"}
    how = {"columns": columns, "label_names": ("none", "A", "B", "C")}
    made = table(tmp_path / "a.csv", "multiple-choice", **how)
    assert made == [ASKED, Choices("who", ("a baker", "a clerk"), ("A",))]
    with pytest.raises(DataError, match=r"a.csv:1: no column 'opd'; the header names text, opa"):
        table(tmp_path / "a.csv", "multiple-choice", columns={"choices": ("opa", "opd")})


SEVERAL = "{choices: …}, or several as {choices: [a, b]}"
NUMBERS = {"text": "how many", "choices": ["2", "1", "0"]}
EXPECTED = (
    "expected a letter of ABC, a number from 0 to 2, or the text of one choice. "
    "`label_names: [none, A, B]` names numbers from 1."
)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"text": "what", "label": "A"},
         f"expected a list of texts in `choices`; there are text, label. {NAMED}, as {SEVERAL}."),
        ({"text": "what", "choices": ["a"], "label": "A"}, "1 choices; expected 2 to 26."),
        ({"text": "what", "choices": ["a", ""], "label": "A"}, "choice B is empty or no text."),
        ({"text": "what", "choices": ["a", 7], "label": "A"}, "choice B is empty or no text."),
        ({"text": "what", "choices": {"label": ["1", "1", "2"], "text": LIST}, "answerKey": "1"},
         "3 choices are named ['1', '1', '2']; expected one name each."),
        ({"text": "what", "choices": {"label": ["A"], "text": LIST}, "answerKey": "A"},
         "3 choices are named ['A']; expected one name each."),
        ({"text": "what", "choices": [{"text": text} for text in LIST], "label": "None"},
         f"'None' is none of the choices; {EXPECTED}"),
        ({"text": "what", "choices": LIST},
         "no right choice in `label`; there are text, choices."),
        ({"text": "what", "choices": LIST, "label": True},
         "expected the right choice as text or a whole number, found True."),
        ({"text": "what", "choices": LIST, "label": ["A"]},
         "expected the right choice as text or a whole number, found ['A']."),
        ({"text": "what", "choices": LIST, "label": "D"},
         f"'D' is none of the choices; {EXPECTED}"),
        ({"text": "what", "choices": LIST, "label": 3}, f"3 is none of the choices; {EXPECTED}"),
        ({**NUMBERS, "label": "0"}, f"'0' may be several of the choices; {EXPECTED}"),
        ({"text": "", "choices": LIST, "label": "A"}, "the text in `text` is empty."),
        ({"text": "a", "question": "b", "choices": LIST, "label": "A"},
         "has the columns `text` and `question`. Name one with `columns`, as {text: …}."),
        ({"text": "a", "choices": LIST, "label": "A", "answer": "A"},
         "has the columns `label` and `answer`. Name one with `columns`, as {label: …}."),
    ],
)  # fmt: skip
def test_bad_questions_are_named(tmp_path: Path, row: dict[str, Any], message: str) -> None:
    assert refused(tmp_path, "multiple-choice", row) == f"rows.jsonl:1: {message}"


def test_a_number_that_is_also_a_choice_is_clear_where_both_agree(tmp_path: Path) -> None:
    (made,) = rows(tmp_path, "multiple-choice", {**NUMBERS, "label": "1"})
    assert made.labels == ("B",)


@pytest.mark.parametrize(
    ("row", "columns", "rating"),
    [
        ({"text": "a", "label": 3}, {}, Rating("a", 3.0)),
        ({"text": "a", "score": "-1.5e2"}, {}, Rating("a", -150.0)),
        ({"text": "a", "second": "b", "score": 0.1}, {}, Rating("a", 0.1, "b")),
        ({"sentence1": "a", "sentence2": "b", "label": 0.1}, {}, Rating("a", 0.1, "b")),
        ({"text": "a", "other": "b", "price": 2}, {"second": "other", "label": "price"},
         Rating("a", 2.0, "b")),
    ],
)  # fmt: skip
def test_numbers_are_read(
    tmp_path: Path, row: dict[str, Any], columns: dict[str, str], rating: Rating
) -> None:
    assert rows(tmp_path, "regression", row, columns=columns) == [rating]


def test_a_number_of_a_data_base_is_read() -> None:
    told = iter([("a.parquet: row 1", {"text": "a", "score": Decimal("1.50")})])
    assert [*ratings_of_rows(told, labelled("regression"), Counter())] == [Rating("a", 1.5)]


CURE = "Numbers have a decimal point and no unit, as -1.25."


@pytest.mark.parametrize(
    "value", ["high", "", "1,5", "3 %", "1_000", "nan", "inf", "-Infinity", None, True, [1], "1e16"]
)
def test_what_is_no_finite_number_is_named(tmp_path: Path, value: Any) -> None:
    message = refused(tmp_path, "regression", {"text": "a", "label": value})
    assert message == f"rows.jsonl:1: expected a number in `label`, found {str(value)!r}. {CURE}"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"text": " ", "label": 1}, "the text in `text` is empty."),
        ({"text": "a", "second": "", "label": 1}, "the text in `second` is empty."),
        ({"text": "a"}, f"no column 'label'; there are text. {NAMED}, as {{label: …}}."),
        ({"text": "a", "label": 1, "score": 2},
         "has the columns `label` and `score`. Name one with `columns`, as {label: …}."),
        ({"words": "a", "label": 1},
         "no column 'text'; there are words, label. Name it with `columns`, as {text: …}."),
    ],
)  # fmt: skip
def test_bad_ratings_are_named(tmp_path: Path, row: dict[str, Any], message: str) -> None:
    assert refused(tmp_path, "regression", row) == f"rows.jsonl:1: {message}"

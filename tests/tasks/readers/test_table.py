from __future__ import annotations

from pathlib import Path

import pytest

from domainbert.errors import DataError
from domainbert.plugin.domain import Example
from domainbert.tasks.readers.table import read_table


def read(folder: Path, name: str, text: str | bytes, multi: bool = False) -> list[Example]:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return list(read_table(path, multi))


def refused(folder: Path, name: str, text: str | bytes, multi: bool = False) -> str:
    with pytest.raises(DataError) as caught:
        read(folder, name, text, multi)
    return str(caught.value).replace(f"{folder}/", "")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.tsv", 'text\tlabel\nIt "rose"\tup\nIt fell, again\tdown\n'),
        ("a.tsv", '\ufefflabel\ttext\r\nup\tIt "rose"\r\ndown\tIt fell, again\r\n'),
        ("a.csv", 'text,label\n"It ""rose""",up\n"It fell, again",down\n'),
        (
            "a.jsonl",
            '{"text": "It \\"rose\\"", "label": "up"}\n\n{"text":"It fell, again","label":"down"}',
        ),
    ],
)  # fmt: skip
def test_texts_and_labels_are_read(tmp_path: Path, name: str, text: str) -> None:
    assert read(tmp_path, name, text) == [
        Example('It "rose"', ("up",)), Example("It fell, again", ("down",)),
    ]  # fmt: skip


def test_several_labels_are_joined_by_a_bar(tmp_path: Path) -> None:
    text = "text\tlabel\nOne\ta|b\nNone\t\n"
    assert read(tmp_path, "a.tsv", text, multi=True) == [
        Example("One", ("a", "b")), Example("None", ()),
    ]  # fmt: skip
    assert read(tmp_path, "b.tsv", "text\tlabel\nOne\ta|b\n") == [Example("One", ("a|b",))]


def test_a_text_of_100_000_words_is_one_cell(tmp_path: Path) -> None:
    text = "word " * 100_000
    assert read(tmp_path, "a.tsv", f"text\tlabel\n{text}\ta\n") == [Example(text, ("a",))]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.txt", "x", "a.txt: expected a file named .tsv, .csv or .jsonl."),
        ("a.tsv", "", "a.tsv:1: no column 'text'; the header names nothing."),
        ("a.tsv", "text\tclass\n", "a.tsv:1: no column 'label'; the header names text, class."),
        ("a.tsv", "text\tlabel\nOne\n", "a.tsv:2: expected 2 columns as in the header."),
        ("a.tsv", "text\tlabel\nOne\ta\tb\n", "a.tsv:2: expected 2 columns as in the header."),
        ("a.tsv", "text\tlabel\n \ta\n", "a.tsv:2: the text is empty."),
        ("a.tsv", "text\tlabel\nOne\t a\n",
         "a.tsv:2: a label is empty or has blanks around it: (' a',)."),
        ("a.jsonl", '{"text": 1}\n',
         "a.jsonl:1: expected an object with `text` and `label` or `labels`, as strings."),
        ("a.jsonl", '{"text": "x", "label": 1}\n',
         "a.jsonl:1: expected an object with `text` and `label` or `labels`, as strings."),
        ("a.jsonl", '{"text": "x", "lables": ["a"]}\n',
         "a.jsonl:1: expected an object with `text` and `label` or `labels`, as strings."),
        ("a.jsonl", '{"text": "x", "label": {"a": 1}}\n',
         "a.jsonl:1: expected an object with `text` and `label` or `labels`, as strings."),
        ("a.jsonl", "[]\n",
         "a.jsonl:1: expected an object with `text` and `label` or `labels`, as strings."),
        ("a.tsv", "text\tlabel\nR\xe9sum\xe9\ta\n".encode("latin-1"),
         "a.tsv:2:2: not UTF-8 (byte 0xe9)"),
    ],
)  # fmt: skip
def test_bad_tables_are_refused(tmp_path: Path, name: str, text: str | bytes, message: str) -> None:
    assert refused(tmp_path, name, text).startswith(message)


def test_json_that_is_too_deep_is_refused(tmp_path: Path) -> None:
    told = refused(tmp_path, "a.jsonl", "[" * 200_000)
    assert told.startswith("a.jsonl:1: no JSON: ")


def test_bad_json_is_refused_with_its_line(tmp_path: Path) -> None:
    told = refused(tmp_path, "a.jsonl", '{"text": "x", "label": "a"}\n{"text"\n')
    assert told.startswith("a.jsonl:2: no JSON: ")


def test_a_label_twice_or_empty_is_refused(tmp_path: Path) -> None:
    table = "text\tlabel\nOne\t{}\n"
    assert "a label stands twice" in refused(tmp_path, "a.tsv", table.format("a|a"), multi=True)
    assert "a label is empty" in refused(tmp_path, "a.tsv", table.format("a||b"), multi=True)

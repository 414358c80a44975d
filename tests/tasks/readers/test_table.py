from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from helpers.tasks import labelled

from domainbert.errors import DataError
from domainbert.plugin.records import Example
from domainbert.tasks.kinds.classification import CLASSIFICATION
from domainbert.tasks.read import read_records


def read(folder: Path, name: str, text: str | bytes, multi: bool = False) -> list[Example]:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return rows_of(path, multi_label=multi)


def rows_of(path: Path, **how: Any) -> list[Example]:
    task = labelled("classification", **how)
    return read_records(CLASSIFICATION, task, path, Counter())


@pytest.mark.parametrize(
    ("name", "text"),
    [
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


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.tsv", '\ttext\tlabel\n0\t"It ""rose"" again"\t1\n1\tIt fell\t0\n'),
        ("a.tsv", '\ttext\tlabel\n0\t"It ""rose"" again"\t1\n1\t"It fell"\t0\n'),
        ("a.jsonl", '{"text": "It \\"rose\\" again", "label": 1}\n{"text":"It fell","label":0}'),
    ],
)
def test_what_other_programs_write_is_read(tmp_path: Path, name: str, text: str) -> None:
    assert read(tmp_path, name, text) == [
        Example('It "rose" again', ("1",)), Example("It fell", ("0",)),
    ]  # fmt: skip
    packed = gzip.compress(text.encode())
    assert read(tmp_path, f"b{name}.gz", packed) == read(tmp_path, name, text)


@pytest.mark.parametrize("cell", ['"Great!"', 'He said "no" twice', '"', 'a ""b"" c', "'x'"])
def test_quotes_of_a_tsv_that_no_writer_doubled_are_text(tmp_path: Path, cell: str) -> None:
    assert read(tmp_path, "a.tsv", f"text\tlabel\n{cell}\ta\n") == [Example(cell, ("a",))]


@pytest.mark.parametrize(
    "text",
    [
        '"text"\t"label"\n"Up, again"\t"a"\n"Down"\t"b"\n',  # every cell
        'text\tlabel\n"Up, again"\ta\n"No, it fell"\tb\n',  # those with commas, as Excel does
        'text\tlabel\n"Up ""again"""\ta\nDown\tb\n',
    ],
)
def test_quotes_of_a_writer_are_taken_off(tmp_path: Path, text: str) -> None:
    assert all(not e.text.startswith('"') for e in read(tmp_path, "a.tsv", text))


def test_quotes_around_some_texts_with_commas_are_text(tmp_path: Path) -> None:
    text = 'text\tlabel\n"Up, again"\ta\n"No, it fell"\tb\nNow, then\tb\n'
    assert [e.text for e in read(tmp_path, "a.tsv", text)][:2] == ['"Up, again"', '"No, it fell"']


@pytest.mark.parametrize(
    "rows",
    [
        '"He said hi,up\nthe size is 5",down\nIt rose,up\n',
        'It rose,up\n"One,down\nTwo,up\nThree",down\n',
    ],
)
def test_a_stray_quote_that_swallows_rows_is_refused(tmp_path: Path, rows: str) -> None:
    with pytest.raises(DataError, match=r"a\.csv:\d: the text spans . lines, and .* looks like"):
        read(tmp_path, "a.csv", "text,label\n" + rows)


def test_line_breaks_and_commas_in_quotes_are_text(tmp_path: Path) -> None:
    text = 'text,label\n"One, two\nthree, four",up\nFive,down\n'
    assert [e.text for e in read(tmp_path, "a.csv", text)] == ["One, two\nthree, four", "Five"]


def test_two_columns_of_labels_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a\.csv:2: has the columns `label` and `labels`"):
        read(tmp_path, "a.csv", "text,label,labels\nUp,a,b\n")


def test_a_quoted_line_break_of_a_tsv_is_read(tmp_path: Path) -> None:
    text = '\ttext\tlabel\n0\t"two\nlines"\tup\n'
    assert read(tmp_path, "a.tsv", text) == [Example("two\nlines", ("up",))]


def test_other_names_of_columns(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("headline,decision\nUp,1\n")
    columns = {"text": "headline", "label": "decision"}
    assert rows_of(tmp_path / "a.csv", columns=columns) == [Example("Up", ("1",))]


@pytest.mark.parametrize("sign", [";", "\t"])
def test_what_separates_a_csv_is_seen_in_its_header(tmp_path: Path, sign: str) -> None:
    rows = [("text", "label"), ("Up, again", "a"), ('"Two\nlines"', "b")]
    text = "".join(f"{sign.join(row)}\n" for row in rows)
    assert read(tmp_path, "a.csv", text) == [
        Example("Up, again", ("a",)), Example("Two\nlines", ("b",)),
    ]  # fmt: skip


def test_numbers_are_named(tmp_path: Path) -> None:
    text = '{"text": "Up", "label": 1}\n{"text": "Down", "label": "0"}\n'
    path = tmp_path / "a.jsonl"
    path.write_text(text)
    assert [e.labels[0] for e in rows_of(path, label_names=("down", "up"))] == ["up", "down"]
    with pytest.raises(DataError, match=r"jsonl:1: the label 1 is no number of `label_names`, 0 t"):
        rows_of(path, label_names=("down",))


def test_several_labels_are_joined_by_a_bar(tmp_path: Path) -> None:
    text = "text\tlabel\nOne\ta|b\nNone\t\n"
    assert read(tmp_path, "a.tsv", text, multi=True) == [
        Example("One", ("a", "b")), Example("None", ()),
    ]  # fmt: skip
    assert read(tmp_path, "b.tsv", "text\tlabel\nOne\ta|b\n") == [Example("One", ("a|b",))]


def test_a_group_may_be_a_list(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "a", "label": "b", "doc": ["x", 1]}\n')
    (example,) = rows_of(path, columns={"group": "doc"})
    assert example.document == "['x', 1]"


def test_a_text_of_100_000_words_is_one_cell(tmp_path: Path) -> None:
    text = "word " * 100_000
    assert read(tmp_path, "a.tsv", f"text\tlabel\n{text}\ta\n") == [Example(text, ("a",))]


LACKING = "no column 'label'; there are text, "
WANTED = "expected `text` as text and `label` as text or whole numbers, found "
NAME_IT = ". Name it with `columns`, as {text: …, label: …}."


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.txt", "x", ": expected a table named .csv, .tsv, .jsonl, .json, .parquet, .arrow"),
        ("a.tsv", "text\tclass\nx\ta\n", f":2: {LACKING}class{NAME_IT}"),
        ("a.jsonl", '{"text": "x", "label": 0.5}\n', f":1: {WANTED}0.5."),
        ("a.jsonl", '{"text": "x", "label": true}\n', f":1: {WANTED}True."),
        ("a.jsonl", '{"text": "x", "label": null}\n', f":1: {WANTED}None: no label, as in a split"),
        ("a.jsonl", '{"text": 1, "label": "a"}\n', f":1: {WANTED}1."),
        ("a.tsv", "text\tlabel\nOne\ta\tb\n", ":2: expected 2 columns as in the header, found 3."),
        ("a.tsv", "text\tlabel\n \ta\n", ":2: the text is empty."),
        ("a.tsv", "text\tlabel\nOne\t a\n", ":2: a label is empty or has blanks"),
        ("a.tsv", "text\tlabel\nOne\ta|a\n", ":2: a label stands twice"),
        ("a.jsonl", '{"text": "x", "lables": ["a"]}\n', f":1: {LACKING}lables{NAME_IT}"),
        ("a.jsonl", "[" * 200_000, ":1: not valid JSON: "),
        ("a.tsv", "text\tlabel\n\xe9\ta\n".encode("latin-1"), ":2:1: not UTF-8 (byte 0xe9)"),
    ],
)  # fmt: skip
def test_bad_tables_are_refused(tmp_path: Path, name: str, text: str | bytes, message: str) -> None:
    with pytest.raises(DataError) as caught:
        read(tmp_path, name, text, multi="|" in str(text))
    assert str(caught.value).startswith(f"{tmp_path / name}{message}")


def test_numbers_are_numbers_in_every_format_even_where_names_are_digits(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,label\nOne,0\nTwo,1\n")
    (tmp_path / "a.jsonl").write_text('{"text": "One", "label": 0}\n{"text": "Two", "label": 1}\n')
    for name in ("a.csv", "a.jsonl"):
        found = rows_of(tmp_path / name, label_names=("1", "0"))
        assert [example.labels for example in found] == [("1",), ("0",)]


def test_the_column_that_the_recipe_names_is_taken(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,kind,labels\nOne,a,x\n")
    columns = {"label": "kind"}
    assert rows_of(tmp_path / "a.csv", columns=columns) == [Example("One", ("a",))]

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from domainbert import DataError, DataFile, Example
from domainbert.storage.locate import Fetcher
from domainbert_legal.cuad import (
    FILE,
    LABELS,
    MAX_CELL,
    METADATA,
    clauses_of,
    read_clauses,
    whole_name,
)
from domainbert_legal.domain import LEGAL
from domainbert_legal.shares import split_of

Write = Callable[[str, bytes | str], Path]
SPLITS = ("train", "validation", "test")
COLUMNS = [FILE, *[c for label in (*METADATA, *LABELS) for c in (label, f"{label}-Answer")]]
TASK = next(task for task in LEGAL.tasks if task.name == "cuad-clauses")


def table(rows: list[dict[str, str]], columns: list[str] = COLUMNS) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, restval="[]", extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def read(path: Path) -> list[Example]:
    return [example for split in SPLITS for example in read_clauses(path, split)]


def test_there_are_41_categories_of_which_37_are_clauses() -> None:
    assert (len(LABELS), len(METADATA), len({*LABELS, *METADATA})) == (37, 4, 41)
    assert TASK.labels == LABELS
    assert TASK.multi_label


def test_clauses_get_all_their_categories_and_metadata_is_left_out(write: Write) -> None:
    row = {
        FILE: "a.pdf",
        "Document Name": "['LEASE']",
        "Parties": repr(["Tarn Mills", "Landlord"]),
        "Governing Law": repr(["The law of  Tarn\ngoverns."]),
        "Uncapped Liability": repr(["No party's liability is limited.", 'He said "no".']),
        "Cap On Liability": repr(['He said "no".']),
        "Insurance": "[]",
    }
    examples = read(write("m.csv", table([row])))
    assert {(e.text, e.labels, e.document) for e in examples} == {
        ("The law of Tarn governs.", ("Governing Law",), "a.pdf"),
        ("No party's liability is limited.", ("Uncapped Liability",), "a.pdf"),
        ('He said "no".', ("Uncapped Liability", "Cap On Liability"), "a.pdf"),
    }


def test_the_order_of_columns_does_not_matter(write: Write) -> None:
    row = {FILE: "a.pdf", "Insurance": "['Insure it.']", "Exclusivity": "['Only us.']"}
    other = [COLUMNS[0], *reversed(COLUMNS[1:])]
    assert read(write("a.csv", table([row]))) == read(write("b.csv", table([row], other)))


def test_contracts_are_shared_out_whole_by_hash(write: Write) -> None:
    rows = [
        {FILE: f"{n} a.pdf", "Insurance": f"['Insure {n}.', 'And {n}.']", "Exclusivity": f"['{n}']"}
        for n in range(200)
    ]
    path = write("m.csv", table(rows))
    found = {split: list(read_clauses(path, split)) for split in SPLITS}
    assert {s: {e.document for e in es} for s, es in found.items()} == {
        s: {f"{n} a.pdf" for n in range(200) if split_of(f"{n} a") == s} for s in SPLITS
    }
    assert sum(map(len, found.values())) == 600


@pytest.mark.parametrize(
    "names",
    [
        ("Tarn-EX-1-SERVICES AGREEMENT_Part1.pdf", "Tarn-EX-1-SERVICES AGREEMENT_Part2.pdf"),
        ("Tarn_EX-1_Agency Agreement1.pdf", "Tarn_EX-1_Agency Agreement2.PDF"),
        ("Tarn_EX-1_Agency Agreement.pdf", "Tarn_EX-1_Agency Agreement 2.pdf"),
    ],
)
def test_parts_of_a_contract_are_in_one_split(names: tuple[str, str]) -> None:
    assert whole_name(names[0]) == whole_name(names[1])
    assert whole_name(names[0]).endswith("agreement")


@pytest.mark.parametrize("cell", [
    "[]", "['a']", '["a\'s", \'b "c"\']', "[ 'a' , 'b' ]", r"['it\'s', 'line\nbreak', '\u00e9']",
])  # fmt: skip
def test_a_list_is_what_python_would_read(cell: str) -> None:
    from ast import literal_eval

    expected = [" ".join(text.split()) for text in literal_eval(cell)]
    assert clauses_of(cell, "m.csv:2") == expected


@pytest.mark.parametrize(
    "cell",
    [
        "", "['a'", "'a'", "['a', 3]", "['a' 'b']", "[['a']]", "['a'] + ['b']", "nan",
        "[__import__('os').getcwd()]", "['a', *range(9)]", "[f'{1}']", "{'a'}",
        "['" + "a" * 10 + "]", "[" * 100_000,
    ],
)  # fmt: skip
def test_a_malformed_list_is_refused_with_line_and_column(write: Write, cell: str) -> None:
    rows = [{FILE: "a.pdf"}, {FILE: "b.pdf", "Insurance": cell}]
    path = write("m.csv", table(rows))
    with pytest.raises(DataError, match=re.escape(f"{path}:3: Insurance: expected a list of")):
        read(path)


def test_an_escape_that_is_none_is_refused() -> None:
    with pytest.raises(DataError, match=r"m\.csv:2: a text of the list cannot be read"):
        clauses_of(r"['\x1']", "m.csv:2")


def test_a_cell_without_end_is_refused() -> None:
    with pytest.raises(DataError, match="1,048,577 characters"):
        clauses_of("[" + " " * MAX_CELL, "m.csv:2")


def test_a_long_list_is_read_in_linear_time() -> None:
    cell = repr([f"clause {n} " + "x" * 20 for n in range(20_000)])
    assert len(clauses_of(cell, "m.csv:2")) == 20_000


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (table([], [c for c in COLUMNS if c != "Insurance"]), ":1: no column 'Insurance'"),
        (table([{FILE: " "}]), ":2: a row without `Filename`"),
        (table([{FILE: "a.pdf"}] * 2), ":3: 'a.pdf' is the contract of line 2 too"),
    ],
)
def test_other_tables_are_refused(write: Write, content: str, message: str) -> None:
    path = write("m.csv", content)
    with pytest.raises(DataError, match=re.escape(f"{path}{message}")):
        read(path)


def test_a_file_with_other_bytes_is_refused_and_its_hash_named(
    write: Write, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = TASK.splits["test"]
    assert isinstance(file, DataFile)
    write(file.name, table([{FILE: "a.pdf"}]))
    monkeypatch.setenv("DOMAINBERT_DATA", str(tmp_path))
    monkeypatch.setenv("DOMAINBERT_CACHE", str(tmp_path / "cache"))
    with pytest.raises(DataError, match=f"sha256 {file.sha256[:12]}"):
        Fetcher().path(replace(file, url=None))

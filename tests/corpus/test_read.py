from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from domainbert import Document
from domainbert.corpus.read import read_documents
from domainbert.errors import DataError

Put = Callable[[str, bytes | str], Path]


@pytest.fixture
def put(tmp_path: Path) -> Put:
    """Write a file of the test."""

    def write(name: str, content: bytes | str) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def refused(path: Path, **how: str) -> str:
    with pytest.raises(DataError) as caught:
        list(read_documents(path, **how))
    return str(caught.value).removeprefix(str(path))


def texts(path: Path, **how: str) -> list[str]:
    return [document.text for document in read_documents(path, **how)]


# --- txt ---------------------------------------------------------------------------------------

LINES = ["one", "two  ", "", " ", "three", "", "", "four"]


@pytest.mark.parametrize(
    ("unit", "expected", "empty"),
    [
        ("file", [("a.txt:1", "\n".join(LINES))], [""]),
        ("line", [(f"a.txt:{n}", line) for n, line in enumerate(LINES, 1)], []),
        ("paragraph", [("a.txt:1", "one\ntwo  "), ("a.txt:5", "three"), ("a.txt:8", "four")], []),
    ],
)
def test_a_text_file_is_one_document_or_its_lines_or_its_paragraphs(
    unit: str, expected: list[tuple[str, str]], empty: list[str], put: Put
) -> None:
    documents = list(read_documents(put("a.txt", "\ufeff" + "\r\n".join(LINES)), text_unit=unit))
    assert documents == [Document(place, text, place) for place, text in expected]
    assert texts(put("a.txt", ""), text_unit=unit) == empty


# --- jsonl and csv -----------------------------------------------------------------------------


def test_json_lines_keep_their_ids_and_blank_lines_are_skipped(put: Put) -> None:
    path = put(
        "a.jsonl",
        '{"text": "one", "id": "x"}\r\n\n  \n{"text": "two\\nlines", "more": [1]}\n'
        '{"id": 0, "text": "three"}\n{"id": null, "text": null}\n{"id": "\\ud800", "text": ""}',
    )
    assert list(read_documents(path)) == [
        Document("x", "one", "a.jsonl:1"),
        Document("a.jsonl:4", "two\nlines", "a.jsonl:4"),
        Document("0", "three", "a.jsonl:5"),
        Document("a.jsonl:6", "", "a.jsonl:6"),
        Document("?", "", "a.jsonl:7"),  # half of a surrogate pair cannot be written as UTF-8
    ]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("[1]", "expected a JSON object, found list."),
        ('{"txt": "a", "b": 1}', "no field 'text'. Fields: txt, b. Set `text_field`."),
        ('{"text": 5}', "field 'text' is int, expected text."),
        ("[" * 100_000, "not valid JSON: maximum recursion depth exceeded"),
        ('{"text": "a", "n": ' + "9" * 5000 + "}", "not valid JSON: Exceeds the limit"),
    ],
)
def test_a_bad_json_line_is_named(line: str, expected: str, put: Put) -> None:
    assert refused(put("a.jsonl", f'{{"text": "one"}}\n{line}\n')).startswith(f":2: {expected}")


def test_quoted_fields_of_csv_hold_commas_quotes_and_newlines(put: Put) -> None:
    path = put("a.csv", 'id,text\r\n1,"one,\r\ntwo\n\n""three"""\r\n\r\n,four\r\n3,\r\n')
    assert list(read_documents(path)) == [
        Document("1", 'one,\ntwo\n\n"three"', "a.csv:5"),
        Document("a.csv:7", "four", "a.csv:7"),
        Document("3", "", "a.csv:8"),
    ]


# --- parquet -----------------------------------------------------------------------------------


def table(path: Path, **columns: Any) -> Path:
    pq.write_table(pa.table(columns), path, row_group_size=2)
    return path


def test_rows_of_parquet_are_documents(tmp_path: Path) -> None:
    path = table(tmp_path / "a.parquet", text=["one", None, "3"], id=["x", None, "z"], n=[1] * 3)
    assert list(read_documents(path)) == [
        Document("x", "one", "a.parquet:1"),
        Document("a.parquet:2", "", "a.parquet:2"),
        Document("z", "3", "a.parquet:3"),
    ]


def test_damaged_parquet_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    written = pa.table({"text": [f"document {number}" for number in range(100)]})
    pq.write_table(
        written, path, compression="none", use_dictionary=False, write_page_checksum=True
    )
    good = path.read_bytes()
    flipped = good.replace(b"document 50", b"document 51")  # seen by the page's checksum
    for damaged in (b"", b"text", good[:-6], good[: len(good) // 2], good[5:], flipped):
        path.write_bytes(damaged)
        assert refused(path).startswith(": not a readable Parquet file")
    offsets, content = pa.py_buffer(b"\0\0\0\0\4\0\0\0"), pa.py_buffer("café".encode("latin-1"))
    column = pa.Array.from_buffers(pa.string(), 1, [None, offsets, content])
    assert "of UTF-8 text" in refused(table(path, text=column))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("id;text\n1;one;two\n", ":2: expected 2 columns as in the header, found 3."),
        ("text,text\na,b\n", ":1: the column 'text' stands twice. Rename or remove one."),
        ("id,text\n1,a,b\n", ":2: expected 2 columns as in the header, found 3."),
        ("id,text\n1\n", ":2: expected 2 columns as in the header, found 1."),
        ('id,text\n1,one\n2,"open\n3,x\n', ":4: not valid CSV, in the row that begins at line 3"),
        ('id,text\n1,"one"two\n', ":2: not valid CSV, in the row that begins at line 2"),
        ("id,text\r1,one\r", ":1: not valid CSV, in the row that begins at line 1: a lone carri"),
    ],
)
def test_bad_csv_is_named_with_its_line(content: str, expected: str, put: Put) -> None:
    assert refused(put("a.csv", content)).startswith(expected)


def test_parquet_that_grows_as_no_text_does_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": ["x" * 1_000_000] * 80}), path, compression="zstd")
    assert "grows to more than 200 times its size" in refused(path)


def test_parquet_of_other_columns_is_refused(tmp_path: Path) -> None:
    path = table(tmp_path / "a.parquet", title=["one"], year=[1999])
    assert refused(path) == ": no column 'text'; it has title, year."
    assert texts(path, text_field="title") == ["one"]
    assert refused(path, text_field="year") == ": row 1: field 'year' is int, expected text."

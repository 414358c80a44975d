from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domainbert.report.escape import csv_value, plain


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a  b\n\tc", "a b c"),
        ("a\x00b\x1bc", "a\ufffdb\ufffdc"),
        ("good\u202egnp", "good\ufffdgnp"),  # would be read from right to left
        ("zero\u200bwidth", "zero\ufffdwidth"),
        ("Größe 10\u00a0mg, 表", "Größe 10 mg, 表"),
    ],
)
def test_text_on_one_line_shows_all_that_is_in_it(text: str, shown: str) -> None:
    assert plain(text) == shown


@pytest.mark.parametrize(
    "text", ["=cmd()", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx", " =1+1", "＝1"]
)
def test_text_that_a_spreadsheet_would_compute_gets_a_quote(text: str) -> None:
    assert csv_value(text) == "'" + text


@pytest.mark.parametrize("value", [-1.5, 0, 12, None, True, "a=b", "1-2", "", "package:x/y"])
def test_numbers_and_plain_text_stay(value: object) -> None:
    assert csv_value(value) == value


@given(st.text())
def test_no_cell_of_a_table_starts_a_formula(text: str) -> None:
    stream = io.StringIO()
    csv.writer(stream).writerow([csv_value(text), "end"])
    stream.seek(0)
    ((first, last),) = csv.reader(stream)
    assert last == "end"
    assert first.lstrip(" ")[:1] not in set("=+-@\t\r\n")
    assert first.removeprefix("'") == text.removeprefix("'")

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domainbert.report.statistics import Summary
from domainbert.report.text import csv_value, percent, plain, signed, spread


def test_text_on_one_line_shows_all_that_is_in_it() -> None:
    assert plain("a  b\n\tGröße 10\u00a0mg, 表") == "a b Größe 10 mg, 表"
    # Control and direction characters, such as right-to-left, are made visible.
    assert plain("a\x00b\x1bc\u202egnp\u200b") == "a\ufffdb\ufffdc\ufffdgnp\ufffd"


@pytest.mark.parametrize("value", [-1.5, 0, 12, None, True, "a=b", "1-2", "", "package:x/y"])
def test_numbers_and_plain_text_stay(value: object) -> None:
    assert csv_value(value) == value


@given(st.text() | st.text("=+-@\t\r\n＝1 "))
def test_no_cell_of_a_table_starts_a_formula(text: str) -> None:
    stream = io.StringIO()
    csv.writer(stream).writerow([csv_value(text), "end"])
    stream.seek(0)
    ((first, last),) = csv.reader(stream)
    assert last == "end"
    assert first.lstrip(" ")[:1] not in set("=+-@＝＋－＠\t\r\n")
    assert first.removeprefix("'") == plain(text).removeprefix("'")


def test_numbers_by_hand() -> None:
    assert [percent(value) for value in (0, 1, 0.12345, 1 / 3)] == [
        "0.00", "100.00", "12.35", "33.33",
    ]  # fmt: skip
    assert [signed(value) for value in (0.012, -0.5, 0)] == ["+1.20", "-50.00", "+0.00"]
    assert spread(Summary(0.5, 0.0123, ())) == "50.00 ± 1.23"
    assert spread(Summary(0.5, None, ())) == "50.00"

from __future__ import annotations

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from domainbert.report.text import csv_value, plain


@given(st.text() | st.text("=+-@\t\r\n＝1 "))
def test_no_cell_of_a_table_starts_a_formula(text: str) -> None:
    stream = io.StringIO()
    csv.writer(stream).writerow([csv_value(text), "end"])
    stream.seek(0)
    ((first, last),) = csv.reader(stream)
    assert last == "end"
    assert first.lstrip(" ")[:1] not in set("=+-@＝＋－＠\t\r\n")
    assert first.removeprefix("'") == plain(text).removeprefix("'")

from __future__ import annotations

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from domainbert.report.statistics import Summary
from domainbert.report.text import csv_value, is_share, plain, shown


@given(st.text() | st.text("=+-@\t\r\n＝1 "))
def test_no_cell_of_a_table_starts_a_formula(text: str) -> None:
    stream = io.StringIO()
    csv.writer(stream).writerow([csv_value(text), "end"])
    stream.seek(0)
    ((first, last),) = csv.reader(stream)
    assert last == "end"
    assert first.lstrip(" ")[:1] not in set("=+-@＝＋－＠\t\r\n")
    assert first.removeprefix("'") == plain(text).removeprefix("'")


def test_a_metric_without_a_highest_value_is_shown_as_it_is() -> None:
    several, one = Summary(1234.5678, 0.25, (1234.0, 1235.1)), Summary(0.5, None, (0.5,))
    assert (shown(several, "mse"), shown(one, "mse")) == ("1235 ± 0.25", "0.5")
    assert (shown(one, "pearson"), shown(one, "unknown")) == ("50.00", "50.00")
    assert [is_share(name) for name in ("mse", "r2", "accuracy@class")] == [False, True, True]

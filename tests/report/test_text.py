from __future__ import annotations

import csv
import io
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from domainbert.report.compare import Comparison
from domainbert.report.statistics import Summary
from domainbert.report.text import csv_value, in_reach, is_share, plain, shown


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


def test_a_difference_is_out_of_reach_only_where_nothing_would_show_it() -> None:
    made = Comparison(
        0.01, -0.01, 0.03, "not shown", seeds=((0, 1, 2),) * 2, records=940, visible=0.02,
        seeds_for=12, records_for=3800,
    )  # fmt: skip
    shown = "3 seeds and 940 test records show 2.00 points or more, with 80 % power"
    assert in_reach(made) == f"{shown}; this one would need 12 seeds or 3,800 test records"
    without = replace(made, seeds_for=None, records_for=None)
    assert in_reach(without) == f"{shown}; this one is out of reach"
    # What Holm's correction took back, and what one seed leaves open, would need no such number.
    assert in_reach(replace(without, difference=-0.05)) == shown
    alone = replace(without, seeds=((0,), (0, 1, 2)))
    assert in_reach(alone) == "940 records show 2.00 points or more, with 80 % power"
    assert in_reach(replace(made, verdict="better")) == ""

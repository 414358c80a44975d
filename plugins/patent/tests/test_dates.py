"""Days that cannot be are counted or refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from domainbert import DataError
from domainbert_patent.examples import Seen, chosen_patents, split_of
from domainbert_patent.reading import read_patents

Write = Callable[..., Path]
Made = dict[str, str]
Dated = Callable[..., str]


def chosen(path: Path, dates: str) -> tuple[list[str], Seen]:
    seen = Seen()
    return [patent.date for patent in chosen_patents([path], dates, seen)], seen


@pytest.mark.parametrize(
    "dates",
    ["2015-13-01:", ":2015-02-30", "2015-00-00:2016-01-01", "0000-01-01:", "2015:2016",
     "2016-01-01:2015-12-31", "\uff12015-01-01:"],
)  # fmt: skip
def test_dates_that_cannot_be_are_refused(made: Made, written: Write, dates: str) -> None:
    with pytest.raises(DataError, match=f"--dates {dates}: expected YYYY-MM-DD:YYYY-MM-DD"):
        chosen(written(made["weekly"]), dates)


@pytest.mark.parametrize("bounds", ["2016-02-30,2017", "2016,2017-13-01", "0000,2017"])
def test_a_split_at_a_day_that_cannot_be_is_refused(bounds: str) -> None:
    with pytest.raises(DataError, match=f"--split {bounds}: expected where"):
        split_of("", bounds)


@pytest.mark.parametrize("odd", ["20151399", "20150230", "2015", "April 7, 2015"])
@pytest.mark.parametrize("format_", ["grant", "pap", "patdoc", "greenbook", "marec", "ep"])
def test_a_date_that_is_no_day_is_known_in_every_format(
    made: Made, written: Write, format_: str, odd: str
) -> None:
    days = {"grant": "20150407", "pap": "20010510", "patdoc": "20020129", "greenbook": "19761221",
            "marec": "20050622", "ep": "20130102"}  # fmt: skip
    # The names of drawings have the day, too.
    field = rf'(?<=[>" ]){days[format_]}(?=[<"\n])'
    (patent,) = read_patents(written(re.sub(field, odd, made[format_])))
    assert (patent.date, patent.other_date) == ("", odd)
    (patent,) = read_patents(written(made[format_]))
    assert (patent.date.replace("-", ""), patent.other_date) == (days[format_], "")


def test_patents_without_a_date_are_of_no_days_and_counted(dated: Dated, written: Write) -> None:
    path = written(dated("2015-12-31", "2015-13-99", ""))
    for dates in ("2015-01-01:", ":2015-12-31"):
        found, seen = chosen(path, dates)
        assert (found, seen.counts["patents without a date"]) == (["2015-12-31"], 2)
    assert chosen(path, ":")[0] == ["2015-12-31", "", ""]

"""Days that cannot be, and patents that the files have twice, are counted or refused."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from domainbert import DataError
from domainbert_patent.examples import Seen, chosen_patents, split_of
from domainbert_patent.reading import read_patents

Write = Callable[..., Path]
Made = dict[str, str]


def run(*arguments: object) -> tuple[int, str, str]:
    command = [sys.executable, "-m", "domainbert", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def dated(made: Made, *days: str) -> str:
    """Return a weekly file with a grant of each day."""
    grants = (made["grant"].replace("20150407", day.replace("-", "")) for day in days)
    return "".join(grant.replace("09000001", f"0900{n:04d}") for n, grant in enumerate(grants, 1))


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


@pytest.mark.parametrize("command", ["patents", "patent-pairs"])
def test_the_command_says_what_dates_it_expects(
    made: Made, written: Write, tmp_path: Path, command: str
) -> None:
    arguments = (written(made["weekly"]), "-o", tmp_path / "a.jsonl", "--dates", "2015-13-01:")
    code, out, error = run(command, *arguments)
    assert (code, out) == (2, "")
    assert "expected YYYY-MM-DD:YYYY-MM-DD" in error
    assert [found.name for found in tmp_path.iterdir()] == ["a.xml"]


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


def test_dates_that_are_no_day_are_counted_and_shown(
    made: Made, written: Write, tmp_path: Path
) -> None:
    path = written(dated(made, "2015-12-31", "2015-13-99", "2015-02-30"))
    code, out, error = run("patents", path, "-o", tmp_path / "a.jsonl")
    assert (code, "3 examples" in out) == (0, True)
    assert error == "left out: 2 dates that are no day, the first '20151399' in US-9000002-B2\n"


def test_patents_without_a_date_are_of_no_days_and_counted(made: Made, written: Write) -> None:
    path = written(dated(made, "2015-12-31", "2015-13-99", ""))
    for dates in ("2015-01-01:", ":2015-12-31"):
        found, seen = chosen(path, dates)
        assert (found, seen.counts["patents without a date"]) == (["2015-12-31"], 2)
    assert chosen(path, ":")[0] == ["2015-12-31", "", ""]


@pytest.mark.parametrize("command", ["patents", "patent-pairs"])
def test_a_patent_that_occurs_again_is_one_example(
    made: Made, written: Write, tmp_path: Path, command: str
) -> None:
    first = written(made["grant"] + made["application"] + made["grant"], "a.xml")
    second = written(made["grant"].replace("valve", "flap"), "b.xml")
    output = tmp_path / "out.jsonl"
    arguments = (first, second, "-o", output, "--dates", "2010-01-01:")
    code, _, error = run(command, *arguments)
    assert (code, error) == (0, "left out: 2 patents that occur again\n")
    (line,) = output.read_text(encoding="utf-8").splitlines()
    assert (json.loads(line)["id"], "flap" in line) == ("US-9000001-B2", False)

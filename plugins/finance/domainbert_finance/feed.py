"""Filings of EDGAR by form and year, from the quarterly indexes of the SEC."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domainbert import DataError, Feed, RemoteFile

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from domainbert.readers import Get

_QUARTERS = (1, 2, 3, 4)


def list_filings(url: str, get: Get, options: Mapping[str, str]) -> Iterator[RemoteFile]:
    """Yield the complete submissions of a form in the order of the four indexes of a year.

    Raises:
        DataError: The year is none, or the index has no such form.
    """
    form, year = options["form"], options["year"]
    if not (year.isdecimal() and len(year) == 4):
        raise DataError(f"--option year={year}: expected four digits, such as 2023.")
    found = False
    for quarter in _QUARTERS:
        index = get(f"{url}/edgar/full-index/{year}/QTR{quarter}/form.idx")
        for line in index.decode("latin-1").splitlines():
            # A form stands at the beginning of a line; `10-K` is not `10-K405`.
            if line.startswith(f"{form} ") and line.rstrip().endswith(".txt"):
                found = True
                place = line.split()[-1]
                yield RemoteFile(f"{url}/{place}", place.rpartition("/")[2])
    if not found:
        raise DataError(f"--option form={form}: the index of {year} has no such form.")


EDGAR = Feed(
    "https://www.sec.gov/Archives",
    list_filings,
    {"form": "the form, such as 10-K", "year": "the year of filing, such as 2023"},
    user_agent=True,
    per_second=8.0,  # the SEC allows ten
)

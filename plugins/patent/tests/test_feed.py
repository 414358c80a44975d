from __future__ import annotations

import json
from typing import Any

import pytest

from domainbert import DataError
from domainbert_patent.feed import USPTO

YEAR = {"product": "grants", "year": "2024"}


def portal(*files: dict[str, Any]) -> bytes:
    product = {"productIdentifier": "PTGRXML", "productFileBag": {"fileDataBag": list(files)}}
    return json.dumps({"count": 1, "bulkDataProductBag": [product]}).encode()


def week(date: str, **more: str) -> dict[str, Any]:
    return {"fileName": f"ipg{date[2:].replace('-', '')}.zip", "fileDataFromDate": date, **more}


def listed(page: bytes, options: dict[str, str]) -> tuple[list[str], list[tuple[str, str]]]:
    asked: list[str] = []

    def get(url: str) -> bytes:
        asked.append(url)
        return page

    files = [(file.name, file.url) for file in USPTO.list("http://127.0.0.1/p", get, options)]
    return asked, files


def test_the_weeks_of_a_year_in_their_order() -> None:
    there = week("2024-01-02", fileDownloadURI="http://127.0.0.1/elsewhere/x.zip")
    page = portal(week("2024-01-09"), there, week("2023-12-26"), {"fileName": "readme.txt"})
    asked, files = listed(page, YEAR)
    assert asked == ["http://127.0.0.1/p/PTGRXML"]
    assert files == [
        ("ipg240102.zip", "http://127.0.0.1/elsewhere/x.zip"),
        ("ipg240109.zip", "http://127.0.0.1/p/files/PTGRXML/ipg240109.zip"),
    ]


@pytest.mark.parametrize("product", ["applications", "APPXML"])
def test_other_products(product: str) -> None:
    asked, _ = listed(portal(week("2024-01-02")), {**YEAR, "product": product})
    assert asked == ["http://127.0.0.1/p/APPXML"]


@pytest.mark.parametrize(
    ("page", "options", "message"),
    [
        (portal(), {**YEAR, "product": "../x"}, "expected grants, applications, or a name"),
        (portal(), {**YEAR, "year": "24"}, "expected four digits"),
        (portal(week("2023-01-03")), YEAR, "lists no file of grants of that year"),
        (b"<html>", YEAR, "expected the portal's list of files"),
        (b'{"bulkDataProductBag": []}', YEAR, "expected the portal's list of files"),
        (b"[" * 99_999, YEAR, "expected the portal's list of files"),
    ],
)
def test_what_is_refused(page: bytes, options: dict[str, str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        listed(page, options)

from __future__ import annotations

import pytest

from domainbert import DataError
from domainbert_finance.feed import EDGAR

INDEX = """Form Type   Company Name   CIK   Date Filed   File Name
---------------------------------------------------------------
10-K        MADE UP PUMPS INC      1000001  2023-02-01  edgar/data/1000001/0001000001-23-000001.txt
10-K405     MADE UP SEALS INC      1000002  2023-02-02  edgar/data/1000002/0001000002-23-000002.txt
8-K         MADE UP PUMPS INC      1000001  2023-02-03  edgar/data/1000001/0001000001-23-000003.txt
"""


def test_the_filings_of_a_form_are_listed_quarter_by_quarter() -> None:
    asked = []

    def get(url: str) -> bytes:
        asked.append(url)
        return INDEX.encode()

    files = list(EDGAR.list("http://127.0.0.1", get, {"form": "10-K", "year": "2023"}))
    assert [url[17:] for url in asked] == [
        f"edgar/full-index/2023/QTR{n}/form.idx" for n in (1, 2, 3, 4)
    ]
    assert [file.name for file in files] == ["0001000001-23-000001.txt"] * 4
    assert files[0].url == "http://127.0.0.1/edgar/data/1000001/0001000001-23-000001.txt"
    assert EDGAR.user_agent and EDGAR.per_second <= 10


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"form": "10-K", "year": "23"}, "--option year=23: expected four digits"),
        ({"form": "10-X", "year": "2023"}, "--option form=10-X: the index of 2023 has no such"),
    ],
)
def test_what_the_index_cannot_have_is_refused(options: dict[str, str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        list(EDGAR.list("http://127.0.0.1", lambda _: INDEX.encode(), options))

"""The weekly files of the USPTO, as its Open Data Portal lists them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from domainbert import DataError, Feed, RemoteFile

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from domainbert.readers import Get

PRODUCTS = {"grants": "PTGRXML", "applications": "APPXML"}
"""What `--option product=` takes → its name in the portal; other names of the portal work too."""
_PRODUCT = "grants, applications, or a name of the portal such as PTGRXML"
_NAME = re.compile(r"[A-Z0-9]{3,16}")


def list_weeks(url: str, get: Get, options: Mapping[str, str]) -> Iterator[RemoteFile]:
    """Yield the weekly files of a product and a year, in the order of their weeks.

    Raises:
        DataError: The product or the year is none, or the portal lists no file of that year.
    """
    product, year = options["product"], options["year"]
    name = PRODUCTS.get(product, product)
    if not _NAME.fullmatch(name):
        raise DataError(f"--option product={product}: expected {_PRODUCT}.")
    if not (year.isdecimal() and len(year) == 4):
        raise DataError(f"--option year={year}: expected four digits, such as 2023.")
    weeks = [item for item in _files(get(f"{url}/{name}"), url) if item[0].startswith(year)]
    if not weeks:
        raise DataError(
            f"--option year={year}: the portal lists no file of {product} of that year."
        )
    for _, file, address in sorted(weeks):
        yield RemoteFile(address or f"{url}/files/{name}/{file}", file)


def _files(page: bytes, url: str) -> Iterator[tuple[str, str, str]]:
    """Yield date, name and address of the archives that the answer of the portal lists."""
    try:
        (found,) = json.loads(page)["bulkDataProductBag"]
        for file in found["productFileBag"]["fileDataBag"]:
            fields = ("fileDataFromDate", "fileName", "fileDownloadURI")
            date, name, address = (str(file.get(key) or "") for key in fields)
            if name.endswith(".zip"):
                yield date, name, address
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        what = "expected the portal's list of files (bulkDataProductBag, productFileBag)"
        raise DataError(f"{url}: {what}. The service may have changed.") from None


USPTO = Feed(
    "https://api.uspto.gov/api/v1/datasets/products",
    list_weeks,
    {"product": _PRODUCT, "year": "the year, such as 2023"},
    per_second=1.0,
    key_header="X-API-KEY",
    key_variable="USPTO_API_KEY",
)

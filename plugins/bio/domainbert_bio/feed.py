"""The baseline files of PubMed, as the National Library of Medicine lists them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from domainbert import Feed, RemoteFile

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from domainbert.readers import Get

_FILE = re.compile(r'href="(pubmed\d{2}n\d{4,5}\.xml\.gz)"')


def list_baseline(url: str, get: Get, _options: Mapping[str, str]) -> Iterator[RemoteFile]:
    """Yield the files of the baseline in the order of their numbers, each with its MD5 file."""
    names = _FILE.findall(get(f"{url}/").decode("utf-8", "replace"))
    for name in sorted(set(names)):
        yield RemoteFile(f"{url}/{name}", name, f"{url}/{name}.md5")


PUBMED = Feed("https://ftp.ncbi.nlm.nih.gov/pubmed/baseline", list_baseline)

from __future__ import annotations

from domainbert_bio.feed import PUBMED

PAGE = b"""<a href="README.txt">README.txt</a>
<a href="pubmed26n0002.xml.gz">pubmed26n0002.xml.gz</a> <a href="pubmed26n0002.xml.gz.md5">md5</a>
<a href="pubmed26n0001.xml.gz">pubmed26n0001.xml.gz</a> <a href="pubmed26n0001.xml.gz.md5">md5</a>
"""


def test_the_baseline_is_listed_by_number_with_md5() -> None:
    asked = []

    def get(url: str) -> bytes:
        asked.append(url)
        return PAGE

    files = list(PUBMED.list("http://127.0.0.1", get, {}))
    assert asked == ["http://127.0.0.1/"]
    assert [(file.name, file.md5_url) for file in files] == [
        (f"pubmed26n000{n}.xml.gz", f"http://127.0.0.1/pubmed26n000{n}.xml.gz.md5") for n in (1, 2)
    ]

from __future__ import annotations

import gzip
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from domainbert import DataError, Document
from domainbert_finance.reuters import Article, read_articles, read_reuters

DOCTYPE = '<!DOCTYPE lewis SYSTEM "lewis.dtd">\n'
ONE = (
    '<REUTERS TOPICS="YES" OLDID="1" NEWID="7">\n<DATE>1-JAN-1987</DATE>\n'
    "<TOPICS><D>acq</D><D>gold</D></TOPICS><PLACES><D>usa</D></PLACES>\n"
    "<UNKNOWN> &#5;&#22;f1&#31;reute</UNKNOWN>\n<TEXT>&#2;\n"
    "<TITLE>MILLS &lt;ML> BUYS\nCAFÉ</TITLE>\n<DATELINE>  OSLO, Jan 1 - </DATELINE>"
    "<BODY>Mills said\n"
    "it paid 5 mln dlrs &amp; stock.\n    The sale closes\nsoon.\n Reuter\n&#3;</BODY></TEXT>\n"
    "</REUTERS>\n"
)
BRIEF = (
    '<REUTERS NEWID="8">\n<TOPICS></TOPICS>\n<TEXT TYPE="BRIEF">&#2;\n******<TITLE>BANK CUTS RATE\n'
    "</TITLE>Blah blah blah.\n&#3;\n\n</TEXT>\n</REUTERS>\n"
)
UNPROC = (
    '<REUTERS NEWID="9">\n<TOPICS></TOPICS>\n<TEXT TYPE="UNPROC">&#2;\nNET RISES\n    Shr 5 cts\n'
    " Reuter\n&#3;\n</TEXT>\n</REUTERS>\n"
)


def latin(text: str) -> bytes:
    return text.encode("iso-8859-1")


@pytest.mark.parametrize("name", ["a.sgm", "a.sgm.gz"])
def test_titles_bodies_briefs_and_unprocessed_texts(write: Callable[..., Path], name: str) -> None:
    content = latin(DOCTYPE + ONE + BRIEF + UNPROC)
    path = write(name, gzip.compress(content) if name.endswith("gz") else content)
    assert list(read_articles(path)) == [
        Article(
            7,
            "MILLS <ML> BUYS CAFÉ",
            ("Mills said it paid 5 mln dlrs & stock.", "The sale closes soon."),
            ("acq", "gold"),
        ),
        Article(8, "BANK CUTS RATE", (), ()),
        Article(9, "", ("NET RISES", "Shr 5 cts"), ()),
    ]
    assert list(read_reuters(path))[1:] == [
        Document("reuters:8", "BANK CUTS RATE", f"{name}#8"),
        Document("reuters:9", "NET RISES\nShr 5 cts", f"{name}#9"),
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (DOCTYPE + ONE + BRIEF[:60], r"a\.sgm:16: cut short"),
        (DOCTYPE + ONE[:80] + "\n" + BRIEF, r"a\.sgm:2: cut short"),
        (ONE.replace('NEWID="7"', 'NEWID="x"'), r"a\.sgm:1: an article without a number"),
        (BRIEF.replace("<TEXT TYPE", "<WORD TYPE"), r"a\.sgm:1: article 8 has no <TEXT>"),
        (ONE.replace("</BODY>", ""), r"a\.sgm:1: <BODY> has no </BODY>"),
        (ONE.replace("</TITLE>", ""), r"a\.sgm:1: <TITLE> has no </TITLE>"),
        ("PK\x03\x04 zip", r"a\.sgm:1: expected `<REUTERS"),
        ('<!DOCTYPE x [<!ENTITY a "b">]>\n' + ONE, r"a\.sgm:1: refused: .* declares entities"),
        ('<!ENTITY a SYSTEM "file:///etc/passwd">\n', r"a\.sgm:1: refused"),
    ],
    ids=["cut", "nested", "number", "text", "body", "title", "zip", "subset", "entity"],
)
def test_malformed_files(write: Callable[..., Path], content: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        list(read_reuters(write("a.sgm", latin(content))))


def test_an_article_without_end_is_not_held_whole(write: Callable[..., Path]) -> None:
    path = write("a.sgm", ONE.splitlines()[0] + "\n" + ("x" * 1000 + "\n") * 5000)
    with pytest.raises(DataError, match=r"a\.sgm:1: cut short"):
        list(read_reuters(path))


def test_counts_of_the_real_file(real: Callable[[str], Path]) -> None:
    path = real("reuters_sgml/reut2-021.sgm.gz")
    raw = gzip.decompress(path.read_bytes()).decode("latin-1")
    articles = list(read_articles(path))
    assert [article.id for article in articles] == list(range(21001, 21579))
    assert len(articles) == len(re.findall("<REUTERS ", raw)) == 578
    assert sum(bool(a.title) for a in articles) == len(re.findall("<TITLE>", raw)) == 575
    with_body = len(re.findall("<BODY>", raw)) + len(re.findall('TYPE="UNPROC"', raw))
    assert sum(bool(a.paragraphs) for a in articles) == with_body == 463
    topics = Counter(
        topic
        for inside in re.findall("<TOPICS>(.*?)</TOPICS>", raw)
        for topic in re.findall("<D>(.*?)</D>", inside)
    )
    assert Counter(topic for article in articles for topic in article.topics) == topics
    documents = list(read_reuters(path))
    assert all(document.text for document in documents)
    assert all(c == "\n" or c.isprintable() for document in documents for c in document.text)
    assert "GM <GM> CANADA UNIT MAJOR OFFER ACCEPTED BY UNION\nThe Canadian" in documents[3].text

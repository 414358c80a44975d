"""What the reader of PubMed XML refuses; limits and damage are tested with `xml_elements`."""

from __future__ import annotations

import gzip
import os
import zlib
from pathlib import Path

import pytest
from helpers.medline import article, article_set, read, refusal


def test_entities_are_refused_before_any_is_expanded(tmp_path: Path) -> None:
    levels = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 12))
    doctype = f'<!DOCTYPE PubmedArticleSet [<!ENTITY l0 "lol">{levels}]>'
    message = refusal(tmp_path, article_set(article(1, "&l11;"), doctype=doctype))
    assert "refused: its DOCTYPE has an internal subset" in message
    assert "The files of the National Library of Medicine have none" in message


def test_truncated_at_every_byte(tmp_path: Path) -> None:
    xml = article_set(
        article(1, "É <i>x</i> &amp;.", '<AbstractText Label="A">y</AbstractText>'),
        "<!-- c --><?p i?>",
        article(2, "<![CDATA[z]]>"),
    ).encode()
    assert len(read(tmp_path, xml)) == 2
    whole = xml.rindex(b">") + 1
    ends = {
        pmid: xml.index(b"</MedlineCitation>", xml.index(f">{pmid}<".encode())) + 18
        for pmid in (1, 2)
    }
    for cut in range(whole):
        message = refusal(tmp_path, xml[:cut])
        assert cut == 0 or f"read up to byte {cut}" in message
        last = next((f"last PMID read: {p}" for p in (2, 1) if cut >= ends[p]), "no PMID read")
        assert last in message
    assert "the file is empty" in refusal(tmp_path, b"")
    assert len(read(tmp_path, xml[:whole])) == 2


def test_truncated_gzip(tmp_path: Path) -> None:
    xml = article_set(*(article(i, os.urandom(40).hex()) for i in range(1, 2000))).encode()
    packed = gzip.compress(xml)
    assert "the file is empty" in refusal(tmp_path, b"", "c.xml.gz")
    for cut in (1, 9, 10, 11, 1000, len(packed) // 2, len(packed) - 9, len(packed) - 1):
        message = refusal(tmp_path, packed[:cut], "c.xml.gz")
        plain = zlib.decompressobj(31).decompress(packed[:cut])
        assert f"cut short after byte {len(plain)} of the decompressed data" in message


@pytest.mark.parametrize(
    ("xml", "said"),
    [
        (gzip.compress(b"<PubmedArticleSet/>", mtime=0), "does not start as XML does"),
        ("<html><p/></html>", "its root element is 'html'"),
        ("<!DOCTYPE article SYSTEM 'jats.dtd'><article/>", "its root element is 'article'"),
        (article_set(article(1)).replace('<PMID Version="1">1</PMID>', ""), "without a PMID"),
        (article_set(article(1), "<PubmedArticle><PubmedData/></PubmedArticle>"), "without one of"),
        (article_set(article(1)).replace(">1</PMID>", "> x1 </PMID>"), "found 'x1'"),
    ],
)
def test_malformed(tmp_path: Path, xml: str | bytes, said: str) -> None:
    assert said in refusal(tmp_path, xml)

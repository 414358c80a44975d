"""What the reader of PubMed XML refuses: entities, damage, sizes beyond the limits."""

from __future__ import annotations

import gzip
import os
import socket
import threading
import time
import zlib
from pathlib import Path

import pytest
from helpers.medline import NLM, article, article_set, read, refusal, written

from domainbert import DataError, Document
from domainbert_bio import xml_stream
from domainbert_bio.medline import read_medline


def test_dtd_url_is_accepted_and_not_fetched(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        url = f"http://127.0.0.1:{server.getsockname()[1]}/pubmed.dtd"
        doctype = f'<!DOCTYPE PubmedArticleSet PUBLIC "-//NLM//DTD//EN" "{url}">'
        assert len(read(tmp_path, article_set(article(1), doctype=doctype))) == 1
        with pytest.raises(BlockingIOError):
            server.accept()


def test_dtd_file_is_not_read(tmp_path: Path) -> None:
    written(tmp_path, '<!ENTITY stolen "SECRET">', "x.dtd")
    doctype = '<!DOCTYPE PubmedArticleSet SYSTEM "x.dtd">'
    assert len(read(tmp_path, article_set(article(1), doctype=doctype))) == 1
    message = refusal(tmp_path, article_set(article(1, "&stolen;"), doctype=doctype))
    assert "Entity 'stolen' not defined" in message
    assert "SECRET" not in message


@pytest.mark.parametrize(
    "declared",
    [
        '<!ENTITY e "internal">',
        '<!ENTITY e SYSTEM "secret.txt">',
        '<!ENTITY e PUBLIC "-//X" "secret.txt">',
        '<!ENTITY % e SYSTEM "secret.txt"> %e;',
        "<!ENTITY % e \"<!ENTITY f 'x'>\"> %e;",
        '%undeclared; <!ENTITY e "behind an unknown parameter entity">',
        "<!ATTLIST PMID Version CDATA '1'>",
        "",
    ],
)
def test_internal_subset_is_refused(tmp_path: Path, declared: str) -> None:
    written(tmp_path, "SECRET", "secret.txt")
    doctype = f'<!DOCTYPE PubmedArticleSet SYSTEM "x.dtd" [{declared}]>'
    for text in ("plain", "&e;"):
        message = refusal(tmp_path, article_set(article(1, text), doctype=doctype))
        assert "refused: its DOCTYPE has an internal subset" in message
        assert "SECRET" not in message


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.parametrize("declaration", ["<!ENTITY e {}>", "<!ENTITY % e {}> %e;"])
def test_target_of_an_external_entity_is_not_opened(tmp_path: Path, declaration: str) -> None:
    # To open a pipe that nobody writes to would block for ever.
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    declared = declaration.format(f'SYSTEM "{pipe.as_uri()}"')
    doctype = f"<!DOCTYPE PubmedArticleSet [{declared}]>"
    for parse in (read, read_without_first_look):
        path = written(tmp_path, article_set(article(1, "&e;"), doctype=doctype))
        done = threading.Event()

        def attempt(parse=parse, path=path, done=done) -> None:
            with pytest.raises(DataError):
                parse(path.parent, path.read_bytes())
            done.set()

        threading.Thread(target=attempt, daemon=True).start()
        assert done.wait(10)


def read_without_first_look(folder: Path, xml: bytes) -> list[Document]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(xml_stream._Prolog, "check", lambda self, chunk: None)
        return read(folder, xml)


@pytest.mark.parametrize("title", ["a&e;b", "a<i>&e;</i>", "&l9;"])
def test_declared_entity_is_refused_also_without_the_first_look(tmp_path: Path, title: str) -> None:
    declared = '<!ENTITY e "text"><!ENTITY l0 "lol">'
    declared += "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 10))
    xml = article_set(article(1, title), doctype=f"<!DOCTYPE PubmedArticleSet [{declared}]>")
    with pytest.raises(DataError):
        read_without_first_look(tmp_path, xml.encode())


def bomb(where: str) -> str:
    levels = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 12))
    doctype = f'<!DOCTYPE PubmedArticleSet [<!ENTITY l0 "lol">{levels}]>'
    if where == "attribute":
        return article_set(article(1, abstract='<AbstractText Label="&l11;"/>'), doctype=doctype)
    return article_set(article(1, "&l11;"), doctype=doctype)


@pytest.mark.parametrize("where", ["text", "attribute"])
def test_billion_laughs(tmp_path: Path, where: str) -> None:
    started = time.perf_counter()
    assert "entities" in refusal(tmp_path, bomb(where))
    assert time.perf_counter() - started < 1


def test_quadratic_entity(tmp_path: Path) -> None:
    doctype = f'<!DOCTYPE PubmedArticleSet [<!ENTITY a "{"a" * 100_000}">]>'
    started = time.perf_counter()
    refusal(tmp_path, article_set(article(1, "&a;" * 100_000), doctype=doctype))
    assert time.perf_counter() - started < 1


@pytest.mark.parametrize("before", [0, 5000])
@pytest.mark.parametrize("doctype", [NLM, ""])
@pytest.mark.parametrize(
    ("title", "abstract"),
    [("a&nbsp;b", ""), ("T.", '<AbstractText Label="A&nbsp;B">x</AbstractText>')],
)
def test_unknown_entity(
    tmp_path: Path, title: str, abstract: str, doctype: str, before: int
) -> None:
    good = [article(i) for i in range(1, before + 1)]
    bad = article(9999, title, abstract)
    xml = article_set(*good, bad, *good, doctype=doctype)
    message = refusal(tmp_path, xml)
    line = xml[: xml.index("&nbsp;")].count("\n") + 1
    assert f"Entity 'nbsp' not defined, line {line}," in message
    # No article is passed on from where the parser lost its way.
    found = []
    with pytest.raises(DataError):
        for document in read_medline(tmp_path / "a.xml"):
            found.append(document.id)
    assert found == [f"pmid:{i}" for i in range(1, len(found) + 1)]


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
        (" \n", "the XML ends before its root element does"),
        ("words", "Start tag expected"),
        ("words <&>", "does not start as XML does"),
        (gzip.compress(b"<PubmedArticleSet/>", mtime=0), "does not start as XML does"),
        ("<html><p/></html>", "its root element is 'html'"),
        ("<!DOCTYPE article SYSTEM 'jats.dtd'><article/>", "its root element is 'article'"),
        (article_set("<PubmedArticle></Pubmed>"), "tag mismatch"),
        (article_set(article(1)) + "<more/>", "Extra content"),
        (article_set(article(1)) * 2, "XML"),
        (article_set(article(1, "a\0b")), "not well-formed"),
        (article_set(article(1)).encode() + b"\xff", "not well-formed"),
        (article_set(article(1, "@")).encode().replace(b"@", b"\xff"), "encoding"),
        (article_set(article(1, "<x:i>a</x:i>")), "Namespace prefix x"),
        (article_set(article(1)).replace('<PMID Version="1">1</PMID>', ""), "without a PMID"),
        (article_set(article(1), "<PubmedArticle><PubmedData/></PubmedArticle>"), "without one of"),
        (article_set(article(1)).replace(">1</PMID>", "> x1 </PMID>"), "found 'x1'"),
    ],
)
def test_malformed(tmp_path: Path, xml: str | bytes, said: str) -> None:
    assert said in refusal(tmp_path, xml)


@pytest.mark.parametrize(
    ("before", "unit", "count", "after", "said"),
    [
        ("", "x", 11_000_000, "", "Text node too long"),
        ("", "<i>", 300, "</i>" * 300, "Excessive depth"),
        ("", "<i>", 1_000_000, "", "Excessive depth"),
        ("<", "n", 11_000_000, "/>", "Name too long"),
        ('<i a="', "v", 17_000_000, '"/>', "no article ends within 16 MiB"),
        ('<i a="', "v", 11_000_000, '"/>', "Buffer size limit"),
    ],
    ids=["text", "deep", "very-deep", "name", "attribute", "short-attribute"],
)
def test_beyond_the_limits(
    tmp_path: Path, before: str, unit: str, count: int, after: str, said: str
) -> None:
    title = before + unit * count + after
    assert said in refusal(tmp_path, article_set(article(1), article(2, title)))


def test_an_article_of_many_elements_is_refused_before_it_fills_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(xml_stream, "MAX_RECORD_BYTES", 1 << 20)
    whole = article_set(*(article(i, "x" * 500_000) for i in range(1, 9)))
    assert len(read(tmp_path, whole)) == 8
    message = refusal(tmp_path, article_set(article(1), article(2, "<i/>" * 300_000)))
    assert "no article ends within 1 MiB of XML" in message
    assert "last PMID read: 1)" in message

from __future__ import annotations

import gzip
import html
import os
import re
import socket
import threading
import time
import zlib
from pathlib import Path
from xml.sax.saxutils import escape

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domainbert import DataError, Document
from domainbert_bio import medline
from domainbert_bio.medline import read_medline, without_brackets

NLM = (
    '<!DOCTYPE PubmedArticleSet PUBLIC "-//NLM//DTD PubMedArticle, 1st January 2025//EN" '
    '"https://dtd.nlm.nih.gov/ncbi/pubmed/out/pubmed_250101.dtd">'
)
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Co", "Cn")))


def citation(pmid: int, title: str = "T.", abstract: str = "") -> str:
    body = f"<Abstract>{abstract}</Abstract>" if abstract else ""
    return (
        f'<MedlineCitation Status="MEDLINE"><PMID Version="1">{pmid}</PMID><Article>'
        f"<ArticleTitle>{title}</ArticleTitle>{body}</Article></MedlineCitation>"
    )


def article(pmid: int, title: str = "T.", abstract: str = "") -> str:
    references = "<ReferenceList><Reference><PMID>9</PMID></Reference></ReferenceList>"
    return (
        f"<PubmedArticle>{citation(pmid, title, abstract)}"
        f"<PubmedData>{references}</PubmedData></PubmedArticle>"
    )


def article_set(*articles: str, doctype: str = NLM) -> str:
    return (
        f'<?xml version="1.0" encoding="utf-8"?>\n{doctype}\n<PubmedArticleSet>\n'
        + "\n".join(articles)
        + "\n</PubmedArticleSet>\n"
    )


def written(folder: Path, xml: str | bytes, name: str = "a.xml") -> Path:
    path = folder / name
    path.write_bytes(xml.encode() if isinstance(xml, str) else xml)
    return path


def read(folder: Path, xml: str | bytes, name: str = "a.xml") -> list[Document]:
    return list(read_medline(written(folder, xml, name)))


def refusal(folder: Path, xml: str | bytes, name: str = "a.xml") -> str:
    with pytest.raises(DataError) as caught:
        read(folder, xml, name)
    assert name in str(caught.value)
    return str(caught.value)


# --- what is read -------------------------------------------------------------------------------


def test_title_and_labelled_sections(tmp_path: Path) -> None:
    abstract = (
        '<AbstractText Label="BACKGROUND" NlmCategory="BACKGROUND">One.</AbstractText>'
        "<AbstractText>Two.</AbstractText><CopyrightInformation>(c)</CopyrightInformation>"
    )
    found = read(tmp_path, article_set(article(7, "A title.", abstract)))
    assert found == [Document("pmid:7", "A title.\nBACKGROUND: One.\nTwo.", "a.xml#7")]


def test_inline_markup_is_flattened_and_white_space_folded(tmp_path: Path) -> None:
    abstract = (
        "<AbstractText>  CO<sub>2</sub> of\n\t<i>E.\u00a0<b>coli</b></i> <!-- no --> at "
        "10<sup>3</sup>,<?pi no?> <![CDATA[a<b]]>; &#x3b1;&lt;1 "
        '<mml:math xmlns:mml="http://www.w3.org/1998/Math/MathML"><mml:mi>x</mml:mi>'
        "<mml:mo>=</mml:mo><mml:mn>2</mml:mn></mml:math>.</AbstractText>"
    )
    (found,) = read(tmp_path, article_set(article(1, "Of <i>p53</i>.", abstract)))
    assert found.text == "Of p53.\nCO2 of E. coli at 103, a<b; \u03b1<1 x=2."


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("[A title].", "A title."),
        ("[A title.]", "A title."),
        ("[A [nested] title].", "A [nested] title."),
        ("[18F]FDG and [11C].", "[18F]FDG and [11C]."),
        ("[Unclosed.", "[Unclosed."),
        ("Closed].", "Closed]."),
        ("[]", ""),
        ("", ""),
    ],
)
def test_brackets_of_translated_titles(title: str, expected: str) -> None:
    assert without_brackets(title) == expected


@given(TEXT.map(str.strip).filter(lambda text: "[" not in text and "]" not in text))
def test_brackets_come_off_any_title(title: str) -> None:
    assert without_brackets(title) == title
    assert without_brackets(f"[{title}].") == title + "."


def test_placeholder_title_is_no_title(tmp_path: Path) -> None:
    abstract = "<AbstractText>Text.</AbstractText>"
    (found,) = read(tmp_path, article_set(article(1, "[Not Available].", abstract)))
    assert found.text == "Text."


def test_neither_title_nor_abstract_gives_empty_text(tmp_path: Path) -> None:
    bare = "<PubmedArticle><MedlineCitation><PMID>2</PMID></MedlineCitation></PubmedArticle>"
    empty = '<AbstractText Label="AIM"> </AbstractText>'
    found = read(tmp_path, article_set(article(1, "", empty), bare))
    assert [(d.id, d.text) for d in found] == [("pmid:1", ""), ("pmid:2", "")]


def test_other_abstract_and_deleted_citations_are_left_out(tmp_path: Path) -> None:
    other = "<OtherAbstract><AbstractText>Nein.</AbstractText></OtherAbstract>"
    first = article(1, "A.").replace("</Article>", f"</Article>{other}")
    deleted = "<DeleteCitation><PMID>3</PMID><PMID>4</PMID></DeleteCitation>"
    found = read(tmp_path, article_set(first, article(2, "B."), deleted))
    assert [(d.id, d.text) for d in found] == [("pmid:1", "A."), ("pmid:2", "B.")]


@pytest.mark.parametrize(
    "xml",
    [
        f"<MedlineCitationSet>{citation(5)}</MedlineCitationSet>",
        citation(5),
        article(5),
        (
            "<PubmedArticleSet><PubmedBookArticle><BookDocument><PMID>5</PMID><Book><BookTitle>No"
            "</BookTitle></Book><ArticleTitle>T.</ArticleTitle></BookDocument></PubmedBookArticle>"
            "</PubmedArticleSet>"
        ),
    ],
)
def test_other_roots_and_book_articles(tmp_path: Path, xml: str) -> None:
    assert read(tmp_path, xml) == [Document("pmid:5", "T.", "a.xml#5")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "iso-8859-1"])
def test_declared_encodings(tmp_path: Path, encoding: str) -> None:
    xml = article_set(article(1, "Möbius.")).replace("utf-8", encoding.removesuffix("-sig"))
    assert read(tmp_path, xml.encode(encoding))[0].text == "Möbius."


def test_byte_order_mark_decides_where_nothing_is_declared(tmp_path: Path) -> None:
    xml = article_set(article(1, "Möbius.")).replace(' encoding="utf-8"', "")
    assert read(tmp_path, xml.encode("utf-16"))[0].text == "Möbius."


@pytest.mark.parametrize("name", ["foo", "hz", "utf-7", "utf-16", "cp037", "base64", "x" * 999])
def test_other_encodings_are_refused(tmp_path: Path, name: str) -> None:
    xml = article_set(article(1)).replace("utf-8", name)
    assert f"declares the encoding {name[:40]!r}" in refusal(tmp_path, xml)


def test_gzip_reads_the_same(tmp_path: Path) -> None:
    xml = article_set(*(article(i, f"Title {i}.") for i in range(1, 3000)))
    plain = read(tmp_path, xml)
    assert [d.id for d in plain] == [f"pmid:{i}" for i in range(1, 3000)]
    packed = read(tmp_path, gzip.compress(xml.encode()), "b.xml.gz")
    assert [(d.id, d.text) for d in packed] == [(d.id, d.text) for d in plain]
    assert packed[0].source == "b.xml.gz#1"


@given(st.lists(st.tuples(TEXT, TEXT), max_size=5))
def test_any_text_comes_back(tmp_path_factory: pytest.TempPathFactory, texts: list) -> None:
    articles = [
        article(i, escape("x" + title), f"<AbstractText>{escape(abstract)}</AbstractText>")
        for i, (title, abstract) in enumerate(texts)
    ]
    found = read(tmp_path_factory.mktemp("xml"), article_set(*articles))
    folded = [[" ".join(part.split()) for part in ("x" + t, a)] for t, a in texts]
    assert [d.text for d in found] == ["\n".join(part for part in pair if part) for pair in folded]


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    filler = "<Reference><Citation>c</Citation></Reference>" * 100
    one = article(1, "word " * 50).replace("<ReferenceList>", f"<ReferenceList>{filler}")
    path = written(tmp_path, article_set(*[one] * 8000))
    assert path.stat().st_size > 35_000_000
    process = psutil.Process()
    before = peak = 0
    for number, _ in enumerate(read_medline(path)):
        if number % 500 == 200:
            peak = max(peak, process.memory_info().rss)
            before = before or peak
    # As a tree this file takes about 250 MB.
    assert peak - before < 16_000_000


# --- what is refused ----------------------------------------------------------------------------


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
        patch.setattr(medline._Prolog, "check", lambda self, chunk: None)
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
    monkeypatch.setattr(medline, "MAX_RECORD_BYTES", 1 << 20)
    whole = article_set(*(article(i, "x" * 500_000) for i in range(1, 9)))
    assert len(read(tmp_path, whole)) == 8
    message = refusal(tmp_path, article_set(article(1), article(2, "<i/>" * 300_000)))
    assert "no article ends within 1 MiB of XML" in message
    assert "last PMID read: 1)" in message


# --- real files ---------------------------------------------------------------------------------


def real_files() -> list[Path]:
    for folder in filter(None, os.environ.get("DOMAINBERT_DATA", "").split(os.pathsep)):
        if found := sorted(Path(folder).glob("biomed/raw_samples/medline_xml/*.xml")):
            return found
    pytest.skip("DOMAINBERT_DATA names no folder with biomed/raw_samples/medline_xml")


def by_regex(xml: str) -> list[Document]:
    """The same reading without an XML parser."""

    def plain(markup: str) -> str:
        return " ".join(html.unescape(re.sub(r"<[^>]*>", "", markup)).split())

    found = []
    for record in re.findall(r"<PubmedArticle>.*?</PubmedArticle>", xml, re.DOTALL):
        pmid = re.search(r"<PMID[^>]*>(\d+)<", record)[1]
        parts = [plain(re.search(r"<ArticleTitle[^>]*>(.*?)</ArticleTitle>", record, re.DOTALL)[1])]
        abstract = re.search(r"<Abstract>.*?</Abstract>", record, re.DOTALL)
        pattern = r"<AbstractText([^>]*)>(.*?)</AbstractText>"
        for attributes, body in re.findall(pattern, abstract[0] if abstract else "", re.DOTALL):
            label = re.search(r'\bLabel="([^"]*)"', attributes)
            parts.append((html.unescape(label[1]) + ": " if label else "") + plain(body))
        found.append(Document(f"pmid:{pmid}", "\n".join(parts), f"{pmid}.xml#{pmid}"))
    return found


def test_real_articles_equal_an_independent_reading() -> None:
    files = real_files()
    assert len(files) == 40
    for path in files:
        assert list(read_medline(path)) == by_regex(path.read_text(encoding="utf-8"))


def test_real_articles_joined_into_one_file(tmp_path: Path) -> None:
    expected, articles = [], []
    for path in real_files():
        xml = path.read_text(encoding="utf-8")
        expected += [(d.id, d.text) for d in by_regex(xml)]
        articles += re.findall(r"<PubmedArticle>.*?</PubmedArticle>", xml, re.DOTALL)
    found = read(tmp_path, gzip.compress(article_set(*articles).encode()), "all.xml.gz")
    assert [(d.id, d.text) for d in found] == expected
    assert len({d.id for d in found}) == 40

from __future__ import annotations

import gzip
import html
import os
import re
from pathlib import Path
from xml.sax.saxutils import escape

import psutil
import pytest
from helpers.medline import TEXT, article, article_set, citation, read, refusal, written
from hypothesis import given
from hypothesis import strategies as st

from domainbert import Document
from domainbert_bio.medline import read_medline, without_brackets

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
    ("markup", "text"),
    [
        ("<b>Woman, 30</b><b>Rash</b>", "Woman, 30 Rash"),
        ("<b>Woman, 30</b> <b>Rash</b>", "Woman, 30 Rash"),
        ("<i>N</i><sub>2</sub><b>x</b>", "N2x"),
        ("It holds<DispFormula>a = b</DispFormula>for all.", "It holds a = b for all."),
        (
            '<m:math xmlns:m="x"><m:mi>x</m:mi><m:annotation>x_1</m:annotation></m:math>, y',
            "x, y",
        ),
    ],
)
def test_text_is_read_as_it_is_shown(tmp_path: Path, markup: str, text: str) -> None:
    abstract = f"<AbstractText>{markup}</AbstractText>"
    (found,) = read(tmp_path, article_set(article(1, "T.", abstract)))
    assert found.text == f"T.\n{text}"


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

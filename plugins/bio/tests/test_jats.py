from __future__ import annotations

import gzip
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.medline import written

from domainbert import DataError, Document
from domainbert_bio.jats import read_jats

Samples = Callable[[str], list[Path]]


def article(body: str, ids: str = '<article-id pub-id-type="doi">10.1/x</article-id>') -> str:
    return (
        '<article xmlns:mml="http://www.w3.org/1998/Math/MathML"><front><article-meta>'
        f"{ids}<title-group><article-title>A <italic>T</italic>.</article-title></title-group>"
        "<abstract><title>Aim</title><p>To see.</p></abstract><trans-abstract><p>Nein.</p>"
        f"</trans-abstract></article-meta></front><body>{body}</body><back><ack><p>Thanks.</p>"
        "</ack><ref-list><ref><mixed-citation>R</mixed-citation></ref></ref-list></back>"
        "<sub-article><body><p>Review.</p></body></sub-article></article>"
    )


def read(folder: Path, xml: str, name: str = "a.nxml") -> list[Document]:
    return list(read_jats(written(folder, xml, name)))


def body_of(folder: Path, body: str) -> list[str]:
    (found,) = read(folder, article(body))
    lines = found.text.split("\n")
    assert lines[:3] == ["A T.", "Aim", "To see."]
    return lines[3:]


def test_title_abstract_and_body_a_line_per_paragraph(tmp_path: Path) -> None:
    body = "<sec><label>1.</label><title>Results</title><p>One\n  <bold>two</bold>.</p></sec>"
    assert body_of(tmp_path, body) == ["Results", "One two."]


@pytest.mark.parametrize(
    ("markup", "lines"),
    [
        ("<p>cells<sup><xref ref-type='bibr'>1</xref>,<xref ref-type='bibr'>2</xref></sup>.</p>",
         ["cells."]),
        ("<p>cells<xref ref-type='bibr'><sup>12</sup></xref> die</p>", ["cells die"]),
        ("<p>As <xref ref-type='bibr'>Poe<sup>12</sup></xref> saw</p>", ["As Poe12 saw"]),
        ("<p>cells <xref ref-type='bibr'>[12]</xref> die</p>", ["cells [12] die"]),
        ("<p>10<sup>3</sup> of CO<sub>2</sub></p>", ["103 of CO2"]),
        ("<p>as<disp-formula><tex-math>x</tex-math></disp-formula>shows</p>", ["as shows"]),
        (("<p>an <inline-formula><alternatives><tex-math>q</tex-math><mml:math><mml:mi>x</mml:mi>"
         "</mml:math></alternatives></inline-formula> of</p>"), ["an x of"]),
        (("<p>a<list><list-item><label>1</label><p>b</p></list-item><list-item><p>c</p></list-item>"
         "</list>d</p>"), ["a", "b", "c", "d"]),
        (("<p>a <fig><label>Figure 1</label><caption><title>T</title><p>C</p></caption><graphic/>"
         "</fig>goes on</p>"), ["a goes on", "T", "C"]),
        (("<table-wrap><caption><p>C</p></caption><table><tr><td>1</td></tr></table>"
         "<table-wrap-foot><p>F</p></table-wrap-foot></table-wrap>"), ["C"]),
        ("<p>a<fn><p>note</p></fn>b</p>", ["ab"]),
        ("", []),
    ],
)  # fmt: skip
def test_what_is_read_and_what_is_left_out(tmp_path: Path, markup: str, lines: list[str]) -> None:
    assert body_of(tmp_path, markup) == lines


@pytest.mark.parametrize(
    ("ids", "name"),
    [
        (("<article-id pub-id-type='doi'>10.1/x</article-id>"
         "<article-id pub-id-type='pmc'>7</article-id>"), "pmc:PMC7"),
        ("<article-id pub-id-type='pmcid'>PMC7</article-id>", "pmc:PMC7"),
        ("<article-id pub-id-type='pmid'>7</article-id>", "pmid:7"),
        ("<article-id pub-id-type='publisher-id'>7</article-id>", "a.nxml#1"),
        ("", "a.nxml#1"),
    ],
)  # fmt: skip
def test_the_id_is_the_best_one_that_there_is(tmp_path: Path, ids: str, name: str) -> None:
    (found,) = read(tmp_path, article("<p>x</p>", ids))
    assert (found.id, found.source) == (name, "a.nxml#1")


def test_a_set_of_articles_with_a_namespace(tmp_path: Path) -> None:
    inside = article("<p>x</p>").replace("<article ", '<article xmlns="http://jats.nlm.nih.gov" ')
    found = read(tmp_path, f"<pmc-articleset>{inside}{article('<p>y</p>')}</pmc-articleset>")
    assert [d.text.split("\n")[-1] for d in found] == ["x", "y"]
    assert [d.source for d in found] == ["a.nxml#1", "a.nxml#2"]


def test_floating_figures_and_articles_without_front(tmp_path: Path) -> None:
    floats = "<floats-group><fig><caption><p>Seen.</p></caption></fig></floats-group>"
    (found,) = read(tmp_path, f"<article><body><p>x</p></body>{floats}</article>")
    assert (found.id, found.text) == ("a.nxml#1", "x\nSeen.")


@pytest.mark.parametrize(
    ("xml", "message"),
    [
        ("<html/>", "not JATS XML: its root element is 'html'"),
        (article("<p>x</p>")[:-20], "the XML ends before its root element does"),
        ('<!DOCTYPE article [<!ENTITY a "b">]><article/>', "refused: its DOCTYPE has an internal"),
        (article("<p>&alpha;</p>"), "Entity 'alpha' not defined"),
        ("", "the file is empty"),
    ],
)
def test_what_is_refused(tmp_path: Path, xml: str, message: str) -> None:
    with pytest.raises(DataError, match=re.escape(message)):
        read(tmp_path, xml)


# --- real files ---------------------------------------------------------------------------------

SKIPPED = {
    "table", "table-wrap-foot", "supplementary-material", "disp-formula", "fn", "graphic", "label",
}  # fmt: skip


def counted(path: Path) -> int:
    """Count the titles and paragraphs with text by another parser."""
    root = ElementTree.parse(path).getroot()

    def count(element: ElementTree.Element) -> int:
        if element.tag in SKIPPED:
            return 0
        own = element.tag in {"p", "title"} and bool("".join(element.itertext()).strip())
        return own + sum(map(count, element))

    meta = root.find("front/article-meta")
    parts = [*meta.findall("abstract"), *root.findall("body"), *root.findall("floats-group")]
    return 1 + sum(map(count, parts))


@pytest.mark.parametrize(("folder", "files"), [("jats_xml", 8), ("pmc_nxml", 3)])
def test_every_real_article_has_the_lines_that_another_parser_counts(
    folder: str, files: int, samples: Samples, tmp_path: Path
) -> None:
    paths = samples(folder)
    assert len(paths) == files
    for path in paths:
        (found,) = read_jats(path)
        assert len(found.text.split("\n")) == counted(path)
        assert found.id.startswith(("pmc:PMC", "doi:10."))
        assert not re.search(r"&#?\w+;|</?\w+[ >]|  |\ufffd", found.text)
        packed = tmp_path / f"{path.name}.gz"
        packed.write_bytes(gzip.compress(path.read_bytes()))
        assert [d.text for d in read_jats(packed)] == [found.text]


def test_the_letters_of_real_articles_come_through_in_order(samples: Samples) -> None:
    for path in samples("jats_xml") + samples("pmc_nxml"):
        root = ElementTree.parse(path).getroot()
        whole = iter("".join("".join(root.itertext()).split()))
        (found,) = read_jats(path)
        lines = found.text.split("\n")
        # Captions that stand within a paragraph come behind it, so order holds line by line.
        assert all(letter in whole for letter in "".join(lines[0].split()))
        text = "".join("".join(root.itertext()).split())
        inside = sum("".join(line.split()) in text for line in lines)
        assert inside > 0.8 * len(lines), path.name

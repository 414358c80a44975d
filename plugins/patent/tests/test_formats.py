from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from domainbert import Document
from domainbert_patent.reading import read_abstracts, read_claims, read_patents, read_whole
from domainbert_patent.record import iso_date, patent_id

Write = Callable[..., Path]
Made = dict[str, str]


def codes(patent) -> list[str]:
    return [f"{c.scheme} {c.symbol} {c.version}".strip() for c in patent.codes]


def test_grant_of_version_4(made: Made, written: Write) -> None:
    (patent,) = read_patents(written(made["grant"]))
    assert patent.id == "US-9000001-B2"
    assert (patent.country, patent.number, patent.kind) == ("US", "9000001", "B2")
    assert (patent.date, patent.language, patent.source) == ("2015-04-07", "en", "a.xml#1")
    assert patent.title == "Pump with a valve"
    assert patent.abstract == "A pump of H2O\u201410."
    assert patent.description == (
        "BACKGROUND\nSee FIG. 1. After the table.\nParts: a lid a rim < 5"
    )
    assert patent.claims == (
        "A pump comprising: a valve; and a 2 mm seat.",
        "The pump of claim 1, red.",
    )
    assert codes(patent) == [
        "CPC F04B53/1002 2013.01", "CPC Y10T29/49 2013.01", "IPC F04B1/053 2006.01",
    ]  # fmt: skip


def test_labels_by_level_and_scheme(made: Made, written: Write) -> None:
    (patent,) = read_patents(written(made["grant"]))
    assert patent.labels("section") == ("F", "Y")
    assert patent.labels("class") == ("F04", "Y10")
    assert patent.labels("subclass") == ("F04B", "Y10T")
    assert patent.labels("subclass", "IPC") == ("F04B",)


def test_application_of_version_4(made: Made, written: Write) -> None:
    (patent,) = read_patents(written(made["application"]))
    assert (patent.id, patent.date) == ("US-20050099999-A1", "2005-05-12")
    assert patent.claims == ("A clip.",)
    assert codes(patent) == ["IPC A61B5/00 7", "IPC G06F15/16 7"]


def test_pap_application(made: Made, written: Write) -> None:
    (patent,) = read_patents(written(made["pap"]))
    assert (patent.id, patent.date) == ("US-20010099999-A1", "2001-05-10")
    assert patent.title == "Lamp"
    assert patent.abstract == "A lamp at 5+1 μm [see] here."
    assert patent.description == "FIELD\nLamps 10b glow."
    assert patent.claims == ("A lamp.", "The lamp of claim 1.")
    assert codes(patent) == ["IPC H01J1/62 7"]


@pytest.mark.parametrize("form", ["patdoc", "sgml"])
def test_patdoc_in_xml_and_in_sgml_reads_the_same(made: Made, written: Write, form: str) -> None:
    (patent,) = read_patents(written(made[form]))
    assert (patent.id, patent.date) == ("US-6999999-B1", "2002-01-29")
    assert (patent.title, patent.abstract) == ("Adder", "An adder, 103 μs.")
    assert patent.description == "FIELD\nIt adds."
    assert patent.claims == ("An adder: of bits.",)
    assert codes(patent) == ["IPC G06F7/28 7", "IPC G06F15/16 7"]


def test_sgml_weekly_file(made: Made, written: Write) -> None:
    second = made["sgml"].replace("06999999", "D0453058")
    found = list(read_patents(written(made["sgml"] + second, "a.sgm")))
    assert [patent.id for patent in found] == ["US-6999999-B1", "US-D453058-B1"]


def test_insertions_of_a_reissue_cross_other_elements(made: Made, written: Write) -> None:
    crossed = "<PDAT>It <DEL-S ID=D1>adds<DEL-E ID=D1> <INS-S ID=I1>sums</PDAT><PDAT><INS-E ID=I1>."
    text = made["sgml"].replace("<PDAT>It adds.", crossed)
    (patent,) = read_patents(written(text))
    assert patent.description == "FIELD\nIt sums."


def test_greenbook(made: Made, written: Write) -> None:
    (patent,) = read_patents(written(made["greenbook"], "a.txt"))
    assert (patent.id, patent.date) == ("US-3999999-A", "1976-12-21")
    assert patent.title == "Hinge for a cover"
    assert patent.abstract == "A hinge of α-brass at 20° C. turns well."
    assert patent.description == "BACKGROUND\nH2 O and .weird. things.\nAfter."
    assert patent.claims == (
        "A hinge comprising: a. a pin; and b. a leaf.",
        "The hinge of claim 1.",
    )
    assert codes(patent) == ["IPC B60R9/00 2", "IPC H04M11/00 2"]


@pytest.mark.parametrize(
    ("wku", "name"),
    [
        ("039999994", "US-3999999-A"), ("D02381234", "US-D238123-S"), ("RE0290001", "US-RE29000-E"),
        ("PP0040001", "US-PP4000-P"), ("H00000011", "US-H1-H"), ("T09510021", "US-T951002-I"),
    ],
)  # fmt: skip
def test_greenbook_numbers(made: Made, written: Write, wku: str, name: str) -> None:
    text = made["greenbook"].replace("039999994", wku)
    assert [patent.id for patent in read_patents(written(text))] == [name]


def test_greenbook_weekly_file(made: Made, written: Write) -> None:
    header = "HHHHHT  APS1  ISSUE - 761221\n"
    design = "PATN\nWKU  D02381234\nTTL  Chair\nISD  19761221\nNCL  1\nDCLM\nPAR  The design.\n"
    text = header + made["greenbook"] + design + "\x1a"
    found = list(read_patents(written(text.replace("\n", "\r\n"), "pftaps.txt")))
    assert [(p.id, p.claims[-1], p.source) for p in found] == [
        ("US-3999999-A", "The hinge of claim 1.", "pftaps.txt#1"),
        ("US-D238123-S", "The design.", "pftaps.txt#2"),
    ]


def test_marec_prefers_english_where_there_is_any(made: Made, written: Write) -> None:
    (patent,) = read_patents(written(made["marec"]))
    assert (patent.id, patent.date) == ("EP-1999999-B1", "2005-06-22")
    assert (patent.title, patent.abstract) == ("Tyre", "Ein Reifen.")
    assert patent.description == "Gebiet\nReifen rollen."
    assert (patent.claims, patent.language) == (("A tyre.",), "en")
    assert codes(patent) == ["IPC B60C15/00 2006.01"]


def test_epo_document_without_english(made: Made, written: Write) -> None:
    (patent,) = read_patents(written(made["ep"]))
    assert (patent.id, patent.date) == ("EP-2999999-B1", "2013-01-02")
    assert (patent.title, patent.abstract) == ("Screen", "Un écran.")
    assert (patent.claims, patent.language) == (("Écran.",), "fr")
    assert codes(patent) == ["CPC G06F3/0488 2013.01", "IPC G06F3/048 2013.01"]


def test_weekly_file_is_read_record_by_record(made: Made, written: Write) -> None:
    found = list(read_patents(written(made["weekly"])))
    assert [(p.id, p.source) for p in found] == [
        ("US-9000001-B2", "a.xml#1"),
        ("US-20050099999-A1", "a.xml#3"),
        ("US-9000002-B2", "a.xml#4"),
    ]


@pytest.mark.parametrize("form", ["weekly", "greenbook", "sgml", "ep"])
def test_gzip_and_byte_order_mark_change_nothing(made: Made, written: Write, form: str) -> None:
    plain = list(read_patents(written(made[form], "a.xml")))
    packed = list(read_patents(written(gzip.compress(made[form].encode()), "a.xml.gz")))
    assert [(p.id, p.claims) for p in packed] == [(p.id, p.claims) for p in plain]
    if form != "greenbook":
        marked = list(read_patents(written(made[form].encode("utf-8-sig"), "a.xml")))
        assert marked == plain


def test_the_content_tells_the_format_not_the_name(made: Made, written: Write) -> None:
    assert len(list(read_patents(written(made["greenbook"], "a.xml")))) == 1
    assert len(list(read_patents(written(made["grant"], "a.greenbook")))) == 1


def test_latin_1_where_it_is_declared(made: Made, written: Write) -> None:
    text = made["ep"].replace("UTF-8", "ISO-8859-1").encode("latin-1")
    assert next(read_patents(written(text))).claims == ("Écran.",)


def test_documents(made: Made, written: Write) -> None:
    path = written(made["grant"])
    title, abstract = "Pump with a valve", "A pump of H2O\u201410."
    claims = "A pump comprising: a valve; and a 2 mm seat.\nThe pump of claim 1, red."
    described = "BACKGROUND\nSee FIG. 1. After the table.\nParts: a lid a rim < 5"
    name, source = "US-9000001-B2", "a.xml#1"
    assert list(read_claims(path)) == [Document(name, claims, source)]
    assert list(read_abstracts(path)) == [Document(name, f"{title}\n{abstract}", source)]
    whole = "\n".join([title, abstract, described, claims])
    assert list(read_whole(path)) == [Document(name, whole, source)]


def test_a_title_alone_is_no_abstract(made: Made, written: Write) -> None:
    design = made["application"].replace("<p>A clip.</p>", "")
    assert [document.text for document in read_abstracts(written(design))] == [""]


def test_ids_and_dates() -> None:
    assert patent_id("US", "RE038123", "E1") == "US-RE38123-E1"
    assert patent_id("US", "00000100", "A") == "US-100-A"
    assert iso_date(" 20050104\n") == ("2005-01-04", "")
    assert (iso_date("200501"), iso_date("")) == (("", "200501"), ("", ""))

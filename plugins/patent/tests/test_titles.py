from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from domainbert import DataError
from domainbert_patent.cpc_master import read_cpc_master
from domainbert_patent.titles import read_titles

Write = Callable[..., Path]

SCHEME = """<?xml version="1.0" encoding="UTF-8"?>
<class-scheme scheme-type="cpc">
<classification-item level="5"><classification-symbol>A99Z</classification-symbol><class-title>
<title-part><text scheme="ipc">KNOTS </text><CPC-specific-text><reference><text>nets
<class-ref>A01K</class-ref></text></reference></CPC-specific-text></title-part>
<title-part><CPC-specific-text><text>BOWS</text></CPC-specific-text></title-part></class-title>
<classification-item level="6"><classification-symbol>A99Z1/00</classification-symbol>
<classification-item level="7"><classification-symbol>A99Z1/00</classification-symbol><class-title>
<title-part><text>Knots in <b>rope</b></text></title-part></class-title></classification-item>
</classification-item></classification-item></class-scheme>
"""

MASTER = """<?xml version="1.0" ?>
<u:CPCMasterClassificationFile xmlns:u="patent:uspto:doc:us:gov"
 xmlns:com="http://www.wipo.int/standards/XMLSchema/ST96/Common"
 xmlns:pat="http://www.wipo.int/standards/XMLSchema/ST96/Patent">
{}
</u:CPCMasterClassificationFile>
"""
GRANT = """<u:CPCMasterClassificationRecord><pat:PatentGrantIdentification>
<com:IPOfficeCode>US</com:IPOfficeCode><pat:PatentNumber>0{n}</pat:PatentNumber>
<com:PatentDocumentKindCode>B2</com:PatentDocumentKindCode><pat:GrantDate>2016-07-26</pat:GrantDate>
</pat:PatentGrantIdentification><pat:CPCClassificationBag><pat:MainCPC><pat:CPCClassification>
<pat:ClassificationVersionDate>2013-01-01</pat:ClassificationVersionDate>
<pat:CPCSection>F</pat:CPCSection><pat:Class>04</pat:Class><pat:Subclass>D</pat:Subclass>
<pat:MainGroup>29</pat:MainGroup><pat:Subgroup>703</pat:Subgroup></pat:CPCClassification>
</pat:MainCPC></pat:CPCClassificationBag></u:CPCMasterClassificationRecord>
"""


def master(*numbers: int, doctype: str = "") -> str:
    text = MASTER.format("".join(GRANT.replace("{n}", str(n)) for n in numbers))
    return text.replace("?>\n", f"?>\n{doctype}", 1)


def test_titles_of_a_scheme(written: Write) -> None:
    assert read_titles(written(SCHEME)) == {"A99Z": "KNOTS; BOWS", "A99Z1/00": "Knots in rope"}


def test_titles_of_a_table(written: Write) -> None:
    table = '\ufeffcode,title\nA01B,"SOIL WORKING {IN GENERAL} (making (deep) furrows A01C5/00)"\n'
    assert read_titles(written(table, "t.csv")) == {"A01B": "SOIL WORKING IN GENERAL"}


@pytest.mark.parametrize(
    ("text", "name", "said"),
    [
        ("<html></html>", "a.xml", "no CPC scheme: its root element is 'html'"),
        (SCHEME.replace("A99Z1/00", "A99Z1"), "a.xml", "'A99Z1' is no IPC or CPC symbol"),
        (SCHEME[:-20], "a.xml", "cut short"),
        ("a,b\n1,2\n", "t.csv", "row 1: expected the columns `code` and `title`"),
        ('code,title\nA01B,"open', "t.csv", "no CSV table: "),
        (b"code,title\nA01B,\xff\n", "t.csv", ":2:6: not UTF-8"),
    ],
)
def test_bad_titles(written: Write, text: str | bytes, name: str, said: str) -> None:
    path = written(text, name)
    with pytest.raises(DataError) as caught:
        read_titles(path)
    assert str(path) in str(caught.value)
    assert said in str(caught.value)


def test_master_file(written: Write) -> None:
    found = list(read_cpc_master(written(master(9400000, 9400001))))
    assert [record.id for record in found] == ["US-9400000-B2", "US-9400001-B2"]
    assert {record.date for record in found} == {"2016-07-26"}
    assert [(str(c.symbol), c.version) for c in found[0].codes] == [("F04D29/703", "2013.01")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (master(1, 2)[:-300], "record 1, at byte 0: the XML ends before its root"),
        (master(1).replace("</pat:Class>", ""), "not well-formed"),
        (master(1).replace("703", "&x;"), "not well-formed"),
        (master(1, doctype="<!DOCTYPE m [<!ENTITY x 'y'>]>"), "refused: its DOCTYPE has"),
        (master(1).replace("PatentNumber", "Number"), "neither a grant's nor a publication's"),
        ("<html></html>", "not a CPC master file: its root element is 'html'"),
        ("", "record 0, at byte 0: the file is empty"),
    ],
)
def test_bad_master_files(written: Write, text: str, said: str) -> None:
    path = written(text)
    with pytest.raises(DataError) as caught:
        list(read_cpc_master(path))
    assert str(path) in str(caught.value)
    assert said in str(caught.value)


def test_real_scheme(real: Callable[[str], Path]) -> None:
    path = real("raw_samples/uspto/cpcScheme/cpc-scheme-A01L.xml")
    text = path.read_text(encoding="utf-8")
    titled = re.findall(r"<classification-symbol>([^<]*)</classification-symbol><class-title", text)
    titles = read_titles(path)
    assert list(titles) == titled
    assert len(titles) == 19
    assert titles["A01L"] == "SHOEING OF ANIMALS"
    assert titles["A01L1/02"] == "Solid horseshoes consisting of one part"


def test_real_table(real: Callable[[str], Path]) -> None:
    path = real("cpc_titles/CPC_codes_upto_subclass.csv")
    codes = re.findall(r"^([A-HY][0-9]{2}[A-Z]),", path.read_text("utf-8-sig"), re.MULTILINE)
    titles = read_titles(path)
    assert list(titles) == codes
    assert len(titles) == 674
    assert titles["A01J"] == "MANUFACTURE OF DAIRY PRODUCTS"


def test_real_master_file(real: Callable[[str], Path]) -> None:
    path = real("raw_samples/uspto/cpcMaster/cpcMaster.xml")
    text = path.read_text(encoding="utf-8")
    (record,) = read_cpc_master(path)
    assert text.count("</uspat:CPCMasterClassificationRecord>") == 1
    assert (record.id, record.date) == ("US-9400000-B2", "2016-07-26")
    assert len(record.codes) == text.count("</pat:CPCClassification>") == 9


def test_a_scheme_with_entities_is_refused(tmp_path: Path) -> None:
    bomb = "".join(f"<!ENTITY e{n} '{f'&e{n - 1};' * 9}'>" for n in range(1, 9))
    path = tmp_path / "scheme.xml"
    path.write_text(
        f"<!DOCTYPE class-scheme [<!ENTITY e0 'ha'>{bomb}]><class-scheme></class-scheme>"
    )
    with pytest.raises(DataError, match="refused: its DOCTYPE has"):
        read_titles(path)

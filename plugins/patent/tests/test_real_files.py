"""Every raw file is read, and what is found agrees with a count made without the readers."""

from __future__ import annotations

import gzip
import html
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from domainbert_patent.reading import read_patents

Real = Callable[[str], Path]

ROOTS = re.compile(
    rb"<(?:us-patent-grant|us-patent-application|patent-application-publication|PATDOC"
    rb"|patent-document)[\s>]|^PATN$",
    re.MULTILINE,
)
CLAIMS = re.compile(rb"<claim |<CLM |^NUM  ", re.MULTILINE)
# A MAREC claim stands in three languages; one of them is read.
ENGLISH_CLAIMS = re.compile(rb'<claims lang="EN".*?</claims>', re.DOTALL)

# File: records, claims, id and date of the first record.
FILES = {
    "marec_xml/EP-1116605-B1.xml": (1, 3, "EP-1116605-B1", "2005-06-22"),
    "marec_xml/EP-1118617-B1.xml": (1, 7, "EP-1118617-B1", "2005-08-10"),
    "marec_xml/EP-1118683-B1.xml": (1, 12, "EP-1118683-B1", "2004-10-20"),
    "marec_xml/EP-1119005-B1.xml": (1, 9, "EP-1119005-B1", "2003-10-15"),
    "marec_xml/EP-1120864-B1.xml": (1, 6, "EP-1120864-B1", "2005-09-14"),
    "marec_xml/EP-1122087-B1.xml": (1, 8, "EP-1122087-B1", "2003-04-23"),
    "marec_xml/EP-1122185-B1.xml": (1, 12, "EP-1122185-B1", "2006-07-26"),
    "marec_xml/EP-1125565-B1.xml": (1, 7, "EP-1125565-B1", "2004-12-22"),
    "uspto/greenbook/US03932709.greenbook": (1, 17, "US-3932709-A", "1976-01-13"),
    "uspto/greenbook/US03937375.greenbook": (1, 3, "US-3937375-A", "1976-02-10"),
    "uspto/greenbook/US04347903.greenbook": (1, 3, "US-4347903-A", "1982-09-07"),
    "uspto/pap/US20010000044A1.xml": (1, 21, "US-20010000044-A1", "2001-03-15"),
    "uspto/pap/US20010000943A1.xml.gz": (1, 13, "US-20010000943-A1", "2001-05-10"),
    "uspto/pap/US20010009014A1.xml": (1, 55, "US-20010009014-A1", "2001-07-19"),
    "uspto/sgml/US06336130.xml": (1, 22, "US-6336130-B1", "2002-01-01"),
    "uspto/sgml/US06337117.xml.gz": (1, 39, "US-6337117-B1", "2002-01-08"),
    "uspto/sgml/USD435854S1.xml": (1, 1, "US-D435854-S", "2001-01-02"),
    "uspto/xml2004/US06859910.xml": (1, 2, "US-6859910-B2", "2005-02-22"),
    "uspto/xml2004/US06970935.xml": (1, 30, "US-6970935-B1", "2005-11-29"),
    "uspto/xml2006/US07272630B2.xml": (1, 17, "US-7272630-B2", "2007-09-18"),
    "uspto/xml2014/US08926509.xml.gz": (1, 31, "US-8926509-B2", "2015-01-06"),
    "uspto/xml2014/US08927118.xml.gz": (1, 45, "US-8927118-B2", "2015-01-06"),
    "uspto/xml2014/US08930553.xml": (1, 8, "US-8930553-B2", "2015-01-06"),
    "uspto/xmlApp2004/US20050004437A1.xml": (1, 10, "US-20050004437-A1", "2005-01-06"),
    "uspto/xmlApp2004/US20050004974A1.xml": (1, 21, "US-20050004974-A1", "2005-01-06"),
    "uspto_weekly/ipg050104.small.xml.gz": (25, 419, "US-6836899-B1", "2005-01-04"),
    "uspto_weekly/ipg100105.small.xml.gz": (25, 426, "US-D607201-S1", "2010-01-05"),
    "uspto_weekly/ipg130416.small.xml.gz": (25, 358, "US-D680087-S1", "2013-04-16"),
}


def content(path: Path) -> bytes:
    return gzip.open(path).read() if path.suffix == ".gz" else path.read_bytes()


@pytest.mark.parametrize("name", FILES)
def test_counts_agree_with_those_made_by_search(name: str, real: Real) -> None:
    path = real(f"raw_samples/{name}")
    data = content(path)
    claimed = b"".join(ENGLISH_CLAIMS.findall(data)) if "marec" in name else data
    found = list(read_patents(path))
    counts = (len(found), sum(len(patent.claims) for patent in found))
    assert counts == (len(ROOTS.findall(data)), len(CLAIMS.findall(claimed))) == FILES[name][:2]
    assert (found[0].id, found[0].date) == FILES[name][2:]
    assert len({patent.id for patent in found}) == len(found)


@pytest.mark.parametrize("name", FILES)
def test_every_part_is_there(name: str, real: Real) -> None:
    for patent in read_patents(real(f"raw_samples/{name}")):
        design = patent.number.startswith("D")
        assert patent.title
        assert patent.description
        assert (patent.abstract == "", patent.codes == ()) == (design, design)
        assert patent.language == "en"
        assert patent.claims[0][0].isalpha()
        text = "\n".join([patent.title, patent.abstract, patent.description, *patent.claims])
        assert (
            re.findall(
                r"&#?\w+;|</?(?:[bip]|su[bp]|claim-text|figref|PDAT)\b[^<>]*>|<[?!]|  |\ufffd", text
            )
            == []
        )


def test_no_raw_file_is_left_out(real: Real) -> None:
    folder = real("raw_samples")
    names = {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and "cpc" not in path.parent.name
    }
    assert names == set(FILES)


@pytest.mark.parametrize("name", list(FILES)[-3:])
def test_weekly_file_that_is_cut_anywhere(name: str, real: Real, tmp_path: Path) -> None:
    from domainbert import DataError

    data = content(real(f"raw_samples/{name}"))
    ends = [match.end() for match in re.finditer(rb"</us-patent-grant>|</sequence-cwu>", data)]
    for share in (0.1, 0.5, 0.9):
        cut = int(len(data) * share)
        path = tmp_path / "cut.xml"
        path.write_bytes(data[:cut])
        whole = [end for end in ends if end <= cut]
        with pytest.raises(DataError) as caught:
            list(read_patents(path))
        start = data.index(b"<?xml", whole[-1] if whole else 0)
        assert f"record {len(whole) + 1}, at byte {start}: cut short" in str(caught.value)


def test_known_passages(real: Real) -> None:
    (sgml,) = read_patents(real("raw_samples/uspto/sgml/US06337117.xml.gz"))
    assert "[Nirmal et al., Nature, pg. 383, 802(1996)]" in sgml.description
    assert "\u201cluminous intensity\u201d" in sgml.abstract
    (pap,) = read_patents(real("raw_samples/uspto/pap/US20010000943A1.xml.gz"))
    assert "Min\u221220 nm<t<Min+20 nm" in pap.abstract
    (green,) = read_patents(real("raw_samples/uspto/greenbook/US03932709.greenbook"))
    assert green.claims[0].startswith("An electronic communications terminal comprising: a. ")
    (marec,) = read_patents(real("raw_samples/marec_xml/EP-1116605-B1.xml"))
    assert marec.title == "Pneumatic tire, having improved bead portion durability"


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("uspto/greenbook/US04347903.greenbook", "IPC3: G01G19/04 G01G23/10 G06F7/28"),
        ("uspto/sgml/US06336130.xml", "IPC7: G06F15/16 G06F13/00"),
        ("uspto/pap/US20010000044A1.xml", "IPC7: G06F17/60"),
        ("uspto/xmlApp2004/US20050004437A1.xml", "IPC7: A61B5/00"),
        ("uspto/xml2006/US07272630B2.xml", "IPC2006.01: G06F15/13"),
        ("marec_xml/EP-1116605-B1.xml", "IPC2006.01: B60C15/00 B60C15/06"),
    ],
)
def test_known_codes(name: str, codes: str, real: Real) -> None:
    (patent,) = read_patents(real(f"raw_samples/{name}"))
    (version,) = {f"{code.scheme}{code.version}" for code in patent.codes}
    assert f"{version}: {' '.join(str(code.symbol) for code in patent.codes)}" == codes


def test_cpc_codes_are_those_of_the_file(real: Real) -> None:
    path = real("raw_samples/uspto/xml2014/US08926509.xml.gz")
    (patent,) = read_patents(path)
    block = re.search(rb"<classifications-cpc>.*</classifications-cpc>", content(path), re.DOTALL)
    parts = re.findall(
        rb"<section>(\w+)</section>\n<class>(\w+)</class>\n<subclass>(\w+)</subclass>\n"
        rb"<main-group>(\w+)</main-group>\n<subgroup>(\w+)</subgroup>",
        block[0],
    )
    # Combinations name some of them again.
    assert len(parts) == block[0].count(b"<classification-cpc>") == 27
    given = dict.fromkeys(b"%s%s%s%s/%s" % part for part in parts)
    cpc = [code for code in patent.codes if code.scheme == "CPC"]
    assert [str(code.symbol).encode() for code in cpc] == list(given)
    assert {code.version for code in cpc} == {"2013.01"}
    assert patent.labels("subclass")[0] == "A61B"


def letters(text: str) -> str:
    return "".join(filter(ASCII.__contains__, text))


ASCII = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


@pytest.mark.parametrize("name", FILES)
def test_letters_come_through_in_order_and_no_other_does(name: str, real: Real) -> None:
    path = real(f"raw_samples/{name}")
    # Without tags; entities that stay, as `&agr;`, are more letters in the file than in the text.
    raw = re.sub("<[^>]*>", "", content(path).decode("utf-8", "replace"))
    everything, whole, parts = letters(html.unescape(raw)), 0, 0
    for patent in read_patents(path):
        for text in (patent.title, patent.abstract, patent.description, "".join(patent.claims)):
            found, left = letters(text), iter(everything)
            assert all(letter in left for letter in found), patent.id
            whole, parts = whole + (found in everything), parts + 1
    # Tables, formulas and names of Greek letters are left out of some descriptions.
    assert parts - whole <= {"ipg100105": 10, "ipg130416": 6, "ipg050104": 3}.get(path.name[:9], 2)

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from domainbert import DataError
from domainbert_legal.eu_law import read_eu_law

Write = Callable[[str, bytes | str], Path]

FORMEX = """<?xml version="1.0" encoding="UTF-8"?>
<ACT xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><BIB.INSTANCE><YEAR>2030</YEAR>
</BIB.INSTANCE><TITLE><TI><P><HT TYPE="UC">Regulation (EU) 2030/1</HT></P><P>of 5 May</P></TI>
</TITLE><PREAMBLE><GR.CONSID><CONSID><NP><NO.P>(1)</NO.P><TXT>Ladders differ<NOTE><P>OJ L 1.</P>
</NOTE>.</TXT></NP></CONSID></GR.CONSID></PREAMBLE><ENACTING.TERMS><ARTICLE IDENTIFIER="005">
<TI.ART>Article 5</TI.ART><STI.ART><P>Importers</P></STI.ART><PARAG IDENTIFIER="005.001">
<NO.PARAG>1.</NO.PARAG><ALINEA>See Art.&#160;5(1)(a) and <REF.DOC.OJ>OJ L 9</REF.DOC.OJ>:
<LIST><ITEM><NP><NO.P>(a)</NO.P><TXT>one;</TXT></NP></ITEM><ITEM><NP><NO.P>(b)</NO.P>
<TXT>two <QUOT.START ID="1"/>x<QUOT.END ID="1"/>.</TXT></NP></ITEM></LIST></ALINEA></PARAG>
<TBL><ROW><CELL>9</CELL></ROW></TBL></ARTICLE></ENACTING.TERMS></ACT>"""

AKOMA = """<akomaNtoso xmlns="http://docs.oasis-open.org/legaldocml/ns/akn/3.0"><act><meta>
<p>m</p></meta><body><article><num>Article 5</num><heading>Importers</heading><paragraph><num>1.
</num><content><p>They <b>shall</b>
<i>act</i><authorialNote marker="1"><p>note</p></authorialNote>.</p></content></paragraph>
<paragraph><num>2.</num><list><intro><p>Namely:</p></intro><point><num>(a)</num><content><p>one</p>
</content></point></list></paragraph></article><article><num>Article 6</num><paragraph><content>
<p>End.</p></content></paragraph></article></body></act></akomaNtoso>"""

XHTML = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN"
"http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd">
<html xmlns="http://www.w3.org/1999/xhtml"><head><title>t</title></head><body>
<p class="oj-ti-art">Article&nbsp;5</p><p class="oj-normal">1.&nbsp;See
§&nbsp;2<span class="oj-super oj-note-tag">(1)</span>:</p><table><tbody><tr><td><p>(a)</p></td><td>
<p>one;</p></td></tr><tr><td>(b)</td><td><p>two.</p></td></tr></tbody></table>
<table><tr><td>Year</td><td>2030</td></tr></table><p class="oj-note">(1) OJ L 1.</p></body>
</html>"""


def lines(path: Path) -> list[str]:
    (found,) = read_eu_law(path)
    return found.text.split("\n")


def test_formex(write: Write) -> None:
    path = write("L_2030001EN.01000101.fmx.xml", FORMEX)
    (found,) = read_eu_law(path)
    assert (found.id, found.source) == ("L_2030001EN.01000101", path.name)
    assert found.text.split("\n") == [
        "Regulation (EU) 2030/1", "of 5 May", "(1) Ladders differ.", "Article 5", "Importers",
        "1. See Art. 5(1)(a) and OJ L 9:", "(a) one;", "(b) two x.",
    ]  # fmt: skip


def test_akoma_ntoso(write: Write) -> None:
    assert lines(write("a.xml", AKOMA)) == [
        "Article 5 Importers", "1. They shall act.", "2. Namely:", "(a) one", "Article 6", "End.",
    ]  # fmt: skip


def test_xhtml_keeps_points_and_leaves_tables_out(write: Write) -> None:
    assert lines(write("a.xhtml", XHTML)) == ["Article 5", "1. See § 2:", "(a) one;", "(b) two."]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<p>Whereas:</p><p>(1)</p><p>Recital one.</p>", ["Whereas:", "(1) Recital one."]),
        (
            (
                '<div class="grid-container"><div class="list-column-1"><span>(a)</span></div>'
                '<div class="list-column-2"><p>one;</p></div></div><p>End.</p>'
            ),
            ["(a) one;", "End."],
        ),
        (
            (
                '<p>As in law<a href="#ntr1">(<span class="oj-note-tag">1</span>)</a>.</p>'
                '<p class="modref">M1</p><p>See <a href="#a">Art. 5</a>.</p>'
            ),
            ["As in law.", "See Art. 5."],
        ),
        (
            (
                "<table><tr><td><p>(a)</p></td><td><p>that:</p><table><tr><td>(i)</td><td>one.</td>"
                "</tr></table></td></tr></table>"
            ),
            ["(a) that:", "(i) one."],
        ),
    ],
)
def test_xhtml_of_other_years(write: Write, body: str, expected: list[str]) -> None:
    page = f'<html xmlns="http://www.w3.org/1999/xhtml"><body>{body}</body></html>'
    assert lines(write("a.xhtml", page)) == expected


@pytest.mark.parametrize("name", ["DOC", "PUBLICATION"])
def test_the_list_of_a_package_is_an_empty_document(write: Write, name: str) -> None:
    assert lines(write("a.doc.xml", f"<{name}><NO.OJ>1689</NO.OJ></{name}>")) == [""]


def test_latin_1_is_read_as_declared(write: Write) -> None:
    act = '<?xml version="1.0" encoding="ISO-8859-1"?><ACT><P>Käufer § 2</P></ACT>'
    assert lines(write("a.xml", act.encode("latin-1"))) == ["Käufer § 2"]


LAUGHS = (
    '<!DOCTYPE ACT [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>'
    "<ACT><P>&c;</P></ACT>"
)
OUTSIDE = '<!DOCTYPE ACT [<!ENTITY a SYSTEM "file:///etc/hostname">]><ACT><P>&a;</P></ACT>'
PARAMETER = '<!DOCTYPE ACT [<!ENTITY % a SYSTEM "http://127.0.0.1:9/x">%a;]><ACT><P>x</P></ACT>'


@pytest.mark.parametrize("content", [LAUGHS, OUTSIDE, PARAMETER])
def test_entities_and_a_billion_laughs_are_refused(write: Write, content: str) -> None:
    path = write("a.xml", content)
    with pytest.raises(DataError, match=re.escape(f"{path}: refused: its DOCTYPE has an internal")):
        lines(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "the file is empty"),
        ("Regulation", "does not start as XML does"),
        ("<ACT><P>cut", "not well-formed"),
        ("<ACT><P>&unknown;</P></ACT>", "names the entity &unknown;"),
        ("<article><P>x</P></article>", "its root element is 'article'. Expected Formex 4, Akoma"),
        ("<ACT><BIB.INSTANCE>x</BIB.INSTANCE></ACT>", "ACT without text"),
        ("<ACT>" + "<P>" * 300 + "x" + "</P>" * 300 + "</ACT>", "not well-formed"),
        (b'<?xml version="1.0" encoding="utf-16"?><ACT><P>x</P></ACT>', "a.xml: "),
        ("<ACT><P>x</P></ACT>".encode("utf-16"), "encoding is 'utf-8' or UTF-16"),
        (b'<?xml version="1.0" encoding="windows-1252"?><ACT><P>x</P></ACT>', "'windows-1252'"),
        (b"<ACT><P>\xff</P></ACT>", "not UTF-8 at byte 8"),
    ],
)
def test_what_is_refused(write: Write, content: bytes | str, message: str) -> None:
    path = write("a.xml", content)
    with pytest.raises(DataError, match=re.escape(message)):
        lines(path)


def test_a_name_in_cdata_stays(write: Write) -> None:
    assert lines(write("a.xml", "<ACT><P><![CDATA[a &nbsp; b]]></P></ACT>")) == ["a &nbsp; b"]


def test_the_text_of_every_paragraph_comes_through(write: Write) -> None:
    words = [f"word{n}" for n in range(20_000)]
    body = "".join(f"<PARAG><NO.PARAG>{n}.</NO.PARAG><ALINEA>{w}</ALINEA></PARAG>"
                   for n, w in enumerate(words))  # fmt: skip
    assert lines(write("a.xml", f"<ACT>{body}</ACT>")) == [f"{n}. {w}" for n, w in enumerate(words)]

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from domainbert import DataError, Document
from domainbert_finance.submission import read_parts, read_submission

HEADER = (
    "<SEC-DOCUMENT>0000000001-24-000001.txt : 20240102\n<SEC-HEADER>x.hdr.sgml : 20240102\n"
    "ACCESSION NUMBER:\t\t0000000001-24-000001\nPUBLIC DOCUMENT COUNT:\t\t2\n</SEC-HEADER>\n"
)
END = "</SEC-DOCUMENT>\n"
PEM = "-----BEGIN PRIVACY-ENHANCED MESSAGE-----\nProc-Type: 2001,MIC-CLEAR\n\n"


def part(kind: str, text: str, name: str = "a.htm") -> str:
    return (
        f"<DOCUMENT>\n<TYPE>{kind}\n<SEQUENCE>1\n<FILENAME>{name}\n<DESCRIPTION>d\n"
        f"<TEXT>\n{text}\n</TEXT>\n</DOCUMENT>\n"
    )


PAGE = (
    "<XBRL>\n<?xml version='1.0' encoding='ASCII'?>\n"
    "<html><body><p>Hello</p></body></html>\n</XBRL>"
)
MAIN = part("8-K", PAGE)
LETTER = part("EX-99.1", "<PAGE>  1\n\n  Dear\n  holder\n", "b.txt")


@pytest.mark.parametrize("name", ["f.txt", "f.txt.gz"])
def test_parts_of_a_submission(write: Callable[..., Path], name: str) -> None:
    content = (HEADER + MAIN + LETTER + END).encode()
    path = write(name, gzip.compress(content) if name.endswith("gz") else content)
    assert list(read_submission(path)) == [
        Document("0000000001-24-000001#1", "Hello", f"{name}#1 (8-K)"),
        Document("0000000001-24-000001#2", "Dear holder", f"{name}#2 (EX-99.1)"),
    ]


def test_a_million_empty_lines_take_no_time_that_anybody_notices(
    write: Callable[..., Path],
) -> None:
    # Where blanks were looked for across lines, the time grew with the square of their number.
    path = write("f.txt", HEADER + part("8-K", PAGE + "\n" * 1_000_000) + END)
    assert [document.text for document in read_submission(path)] == ["Hello"]


def test_envelopes_of_the_nineties_and_crlf(write: Callable[..., Path]) -> None:
    old = (PEM + HEADER + LETTER + END).replace("SEC-", "IMS-") + "-----END PRIVACY-ENHANCED--\n"
    path = write("old.txt", old.replace("\n", "\r\n"))
    assert [(d.id, d.text) for d in read_submission(path)] == [
        ("0000000001-24-000001#1", "Dear holder")
    ]


def test_without_a_header_the_file_names_its_documents(write: Callable[..., Path]) -> None:
    path = write("x.1.txt.gz", gzip.compress(LETTER.encode()))
    assert [document.id for document in read_submission(path)] == ["x.1#1"]


@pytest.mark.parametrize(
    "other",
    [
        part("GRAPHIC", "begin 644 a.jpg\nM4$L#", "a.jpg"),
        part("EX-101.SCH", "<XBRL>\n<?xml version='1.0'?>\n<xs:schema>", "a.xsd"),
        part("EX-104", "data", "cover"),
        part("EX-27", "<ARTICLE> 5\n<CASH> 12", "fds.txt"),
        part("XML", "<div>R1</div>", "R1.htm"),
        part("ZIP", "begin 644 a.zip\nM4$L#", "a.zip"),
        part("EXCEL", "begin 644 a\nM", "Financial_Report.xlsx"),
        part("EX-99", "<PDF>\nbegin 644 a.pdf\nM4$L#", "a"),
        part("COVER", "begin 644 cover\nM4$L#", "cover"),
        part("EX-99", "\n\n", "blank.txt"),
    ],
    ids=lambda text: text.split("\n")[1],
)
def test_what_holds_no_prose_is_left_out_but_counted(
    write: Callable[..., Path], other: str
) -> None:
    path = write("f.txt", HEADER + other + MAIN + END)
    assert [d.id for d in read_submission(path)] == ["0000000001-24-000001#2"]


def test_exhibit_10_is_no_xbrl(write: Callable[..., Path]) -> None:
    path = write("f.txt", part("EX-10.1", "Lease") + part("EX-10", "Loan"))
    assert [p.type for p in read_parts(path)] == ["EX-10.1", "EX-10"]


def test_a_single_page(write: Callable[..., Path]) -> None:
    path = write("8k.htm", PAGE.replace("<XBRL>\n", "").replace("\n</XBRL>", ""))
    assert list(read_submission(path)) == [Document("8k#1", "Hello", "8k.htm#1 (page)")]


def test_latin1_and_windows_letters(write: Callable[..., Path]) -> None:
    content = part("8-K", "Café “Ö”", "a.txt").encode("cp1252")
    assert [d.text for d in read_submission(write("f.txt", content))] == ["Café “Ö”"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (HEADER + MAIN, r"f\.txt:1: cut short"),
        (HEADER + MAIN[:60], r"f\.txt:6: cut short"),
        (HEADER + MAIN.replace("</DOCUMENT>", "") + END, r"f\.txt:6: cut short"),
        (
            HEADER + MAIN.replace("</TEXT>\n</DOCUMENT>\n", "") + LETTER,
            r"f\.txt:16: a <DOCUMENT> s",
        ),
        (MAIN.replace("<TYPE>8-K\n", ""), r"f\.txt:11: a document without <TYPE>"),
        (MAIN.replace("<TEXT>\n", ""), r"f\.txt:11: a document without <TYPE> or <TEXT>"),
        (HEADER + END, r"f\.txt: a submission without a <DOCUMENT>"),
        ("", r"f\.txt: neither a submission nor a page"),
        ("%PDF-1.7", r"f\.txt: neither a submission nor a page"),
        ("<html><body><p>Cut he", r"f\.txt: the page does not end"),
        (
            part("8-K", "<!DOCTYPE html [<!ENTITY a 'b'>]><html><p>&a;"),
            r"f\.txt:1: refused: line 2",
        ),
        (part("8-K", "<p>a\0b"), r"f\.txt:1: not a text: byte 5 is zero"),
    ],
    ids=[
        *("envelope", "header", "end", "nested", "type", "text", "none"),
        *("empty", "pdf", "page", "entity", "zero"),
    ],
)
def test_malformed_files(write: Callable[..., Path], content: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        list(read_submission(write("f.txt", content)))


def kept(path: Path) -> list[str]:
    """Types of the documents that hold prose, found on another way: by blocks of the whole file."""
    raw = path.read_bytes().decode("latin-1")
    blocks = re.findall(r"<DOCUMENT>(.*?)</DOCUMENT>", raw, re.DOTALL)
    types = [(re.search(r"<TYPE>(.*)", block)[1].strip(), block) for block in blocks]
    machine = re.compile(r"EX-101|XML|EXCEL|JSON|ZIP|GRAPHIC")
    return [kind for kind, block in types if not machine.match(kind)] if blocks else ["page"]


SUBMISSIONS = {
    "0000899681-95-000096": 2,
    "0000943374-24-000509": 1,
    "0000950129-95-001652": 2,
    "0001011438-98-000429": 2,
    "0001104659-25-002604": 2,
}


@pytest.mark.parametrize("number", SUBMISSIONS)
def test_counts_of_the_real_submissions(number: str, real: Callable[[str], Path]) -> None:
    path = real(f"edgar_submission/{number}.txt")
    documents = list(read_submission(path))
    assert len(documents) == SUBMISSIONS[number]
    assert [d.source.split(" ", 1)[1].strip("()") for d in documents] == [
        kind.strip("()") for kind in kept(path)
    ]
    assert all(document.id.startswith(f"{number}#") for document in documents)
    assert not any(re.search("<(PAGE|TABLE|S|C)>", document.text) for document in documents)
    assert not any(re.search(r"(?m)^M[^a-z]{59,60}$", document.text) for document in documents)


def test_counts_of_the_real_8k_filings(real: Callable[[str], Path]) -> None:
    folder = real("edgar_8k/100240_8K_1994_0000950144-94-000277.txt").parent
    paths = sorted(folder.iterdir())
    found = {path: list(read_submission(path)) for path in paths}
    assert len(paths) == 24
    assert {p: len(found[p]) for p in paths} == {p: len(kept(p)) for p in paths}
    assert sum(map(len, found.values())) == 25
    for path, documents in found.items():
        text = "\n".join(document.text for document in documents)
        assert "SECURITIES AND EXCHANGE COMMISSION" in text.upper(), path
        assert re.search(r"(?mi)^ITEM \d", text) or "5.02" in text, path
        assert not re.search(r"</?\w+[ >]|&#?\w+;", text), path

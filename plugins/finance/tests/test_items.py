from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from domainbert import DataError, Document
from domainbert_finance.items import items_of, read_10k

CONTENTS = ["Item 1. Business", "Item 1A. Risk Factors", "Item 7. Discussion", "Item 16. Summary"]
BODY = [
    *("PART I", "Item 1. Business", "We make pumps.", "Item 1A. Risk Factors", "A risk."),
    *("PART II", "Item 7. Discussion", "It went well."),
]


def found(paragraphs: list[str]) -> dict[str, tuple[str, ...]]:
    return {item.name: item.paragraphs[1:] for item in items_of(paragraphs)}


def test_a_table_of_contents_is_not_taken_for_the_items() -> None:
    assert found(["FORM 10-K", *CONTENTS, *BODY]) == {
        "1": ("We make pumps.",),
        "1A": ("A risk.",),
        "7": ("It went well.",),
    }


def test_an_index_at_the_end_is_not_taken_for_the_items() -> None:
    names = list(found([*BODY, *CONTENTS]))
    assert names[:3] == ["1", "1A", "7"]
    assert found([*BODY, *CONTENTS])["1"] == ("We make pumps.",)


def test_a_heading_at_the_top_of_each_page_starts_nothing() -> None:
    pages = ["Item 7. Discussion", "One.", "Item 7. Discussion (continued)", "Two."]
    assert found(pages) == {"7": ("One.", "Item 7. Discussion (continued)", "Two.")}


def test_a_reference_that_reads_like_a_heading_stays_in_its_item() -> None:
    body = [*BODY[1:3], "Item 8. Statements", "tell more.", *BODY[3:], "Item 9B. Other", "None."]
    assert list(found(body)) == ["1", "1A", "7", "9B"]
    assert found(body)["1"] == ("We make pumps.", "Item 8. Statements", "tell more.")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Item 1.", "1"),
        ("ITEM 7A - QUANTITATIVE DISCLOSURES", "7A"),
        ("PART II, Item 5: Market", "5"),
        ("Items 1 and 2. Business and Properties", "1"),
        ("Item 9A(T). Controls and Procedures", "9A"),
        ("Item 6. [Reserved]", "6"),
        ("Item\u00a010 Directors", "10"),
        ("Item 1a. Risk Factors", "1A"),
        ("Item 1) Business", "1"),
        ("(Item 3) Legal Proceedings", "3"),
        ("\u201cItem 1. Business\u201d", "1"),
        ("\u00a7 Item 1. Business", "1"),
        ("I tem 1B. Unresolved Staff Comments", "1B"),
        ("(Item 7 of this report)", None),
        ("\u201cItem 7\u201d of this report", None),
        ("Item 2.02 Results of Operations", None),
        ("Item 601 of Regulation S-K", None),
        ("Item 1A., this increasing mix", None),
        ("Item 7 of this report", None),
        ("Items of interest", None),
        ("Item 17. Undertakings", None),
        ("See Item 1. Business", None),
    ],
)
def test_what_reads_like_a_heading(text: str, name: str | None) -> None:
    assert [item.name for item in items_of([text, "Text."])] == ([name] if name else [])


def test_a_hundred_thousand_headings_are_read_in_linear_time() -> None:
    paragraphs = [f"Item {1 + n * 7 % 16}. Heading {n}" for n in range(100_000)]
    assert len(items_of(paragraphs)) == 16


def page(paragraphs: list[str]) -> str:
    return f"<html><body>{''.join(f'<p>{text}</p>' for text in paragraphs)}</body></html>"


def test_a_page_as_filed(write: Callable[..., Path]) -> None:
    content = gzip.compress(page(["Cover", *CONTENTS, *BODY]).encode())
    documents = list(read_10k(write("r.htm.gz", content)))
    assert documents[1] == Document(
        "r#1:item-1A", "Item 1A. Risk Factors\nA risk.", "r.htm.gz#item-1A"
    )
    assert [document.source for document in documents] == [
        "r.htm.gz#item-1",
        "r.htm.gz#item-1A",
        "r.htm.gz#item-7",
    ]


@pytest.mark.parametrize("kind", ["10-K", "10-K405", "10-K/A"])
def test_a_submission_gives_the_items_of_its_report(write: Callable[..., Path], kind: str) -> None:
    text = "\n\n".join(["Cover", *CONTENTS, *BODY])
    other = "<DOCUMENT>\n<TYPE>EX-13\n<TEXT>\nItem 1. Else\n</TEXT>\n</DOCUMENT>\n"
    report = f"<DOCUMENT>\n<TYPE>{kind}\n<TEXT>\n{text}\n</TEXT>\n</DOCUMENT>\n"
    documents = list(read_10k(write("s.txt", other + report)))
    assert [document.id for document in documents] == [f"s#2:item-{n}" for n in ("1", "1A", "7")]


def test_extracted_items(write: Callable[..., Path]) -> None:
    record = {"cik": "1", "item_1": "Item 1.\nPumps", "item_1A": "", "item_10": " Ten "}
    content = json.dumps(record).encode()
    expected = [("r:item-1", "Item 1.\nPumps"), ("r:item-10", "Ten")]
    assert [(d.id, d.text) for d in read_10k(write("r.json", content))] == expected
    packed = write("r.json.gz", gzip.compress(content))
    assert [(d.id, d.text) for d in read_10k(packed)] == expected


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("r.htm", page(BODY)[:-20], r"r\.htm: the page does not end"),
        ("r.htm", "<!DOCTYPE html [<!ENTITY x 'y'>]>" + page(BODY), r"r\.htm:1: refused"),
        ("r.htm", "ID3\x03 music", r"r\.htm: neither a submission nor a page"),
        (
            "r.txt",
            "<DOCUMENT>\n<TYPE>8-K\n<TEXT>\nItem 1. B\n</TEXT>\n</DOCUMENT>",
            r"r\.txt: no 10-K",
        ),
        ("r.json", '{"item_1": "a"', r"r\.json: not valid JSON"),
        ("r.json", "[" * 100_000, r"r\.json: not valid JSON"),
        ("r.json", '["item_1"]', r"r\.json: expected a JSON object with the texts"),
        ("r.json", '{"text": "a"}', r"r\.json: expected a JSON object with the texts"),
        ("r.json", '{"item_1": 5}', r"r\.json: item_1: expected a text, found int"),
        ("r.json.gz", b"not gzip", r"r\.json\.gz: damaged"),
    ],
    ids=[
        *("cut", "entity", "binary", "form", "json", "deep", "list", "keys", "type"),
        "gzip",
    ],
)
def test_malformed_reports(
    write: Callable[..., Path], name: str, content: str | bytes, said: str
) -> None:
    with pytest.raises(DataError, match=said):
        list(read_10k(write(name, content)))


@pytest.mark.parametrize(
    "text", [["Annual report", "We make pumps."], ["Item 2.02 Results", "Fine."]]
)
def test_a_report_without_items_is_one_document_with_a_warning(
    write: Callable[..., Path], text: list[str]
) -> None:
    with pytest.warns(UserWarning, match=r"r\.htm:1: no item of an annual report found"):
        (found,) = read_10k(write("r.htm", page(text)))
    assert (found.text, found.source) == ("\n".join(text), "r.htm#whole")


def test_much_text_before_the_first_item_is_counted(write: Callable[..., Path]) -> None:
    body = ["Item 1. Business", "We make pumps. " * 20, "Item 2. Properties", "None. " * 20]
    told = r"r\.htm:1: 1,0\d\d of 1,\d{3} characters stand before the first heading"
    with pytest.warns(UserWarning, match=told):
        found = list(read_10k(write("r.htm", page(["A letter to holders. " * 50, *body]))))
    assert [item.source for item in found] == ["r.htm#item-1", "r.htm#item-2"]


@pytest.mark.parametrize(
    ("heading", "name"),
    [
        ("Items 1 & 2. Business and Properties", "1"),
        ("Items 1 and 2. Business", "1"),
        ("Item 7 and 7A. Management's Discussion", "7"),
        ("Item No. 3. Legal Proceedings", "3"),
        ("ITEM NO 3 Legal Proceedings", "3"),
        ("Item 1. \u201cBusiness\u201d", "1"),
        ('Item 1A. "Risk Factors"', "1A"),
        ("Items 10 through 14. Directors", "10"),
        ("Items 10\u201314. Directors", "10"),
        ("Items 1/2. Business", "1"),
        ("ITEM IV. SUBMISSION OF MATTERS", "4"),
        ("Item Seven A. Market Risk", "7A"),
        ("ITEM14. EXHIBITS", "14"),
        ("Item #1. Business", "1"),
        ("Item Number 3. Legal Proceedings", "3"),
        ("* Item 1 | Business", "1"),
        ("\u2022 Item 1A \u2022 Risk Factors", "1A"),
        ("Item 1. business", "1"),
        ("Item 1. of this report", None),
        ("Item 1 business of the company", None),
        ("Item one of the list", None),
        ("Item in question", None),
        ("Item 3 and other items are described below", None),
        ("Item 2.02 Results", None),
    ],
)
def test_ways_of_writing_a_heading(heading: str, name: str | None) -> None:
    found = items_of([heading, "Text. " * 20])
    assert [item.name for item in found] == ([name] if name else [])


def test_a_long_run_of_blanks_is_read_in_linear_time() -> None:
    for text in ("item " + "\u00a0" * 100_000, "*" * 100_000, "ITEM 1. " + "a" * 100_000):
        items_of([text, "Text."])


NUMBERS = "1 1A 1B 1C 2 3 4 5 6 7 7A 8 9 9A 9B 9C 10 11 12 13 14 15 16"
ITEMS = NUMBERS.split()


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("aapl-10-k-2024-11-01", "Item 1. Business\nCompany Background\nThe Company designs"),
        ("ibm-10-k-2025-02-25", "Item 1. Business:\nInternational Business Machines"),
        ("wfc-10-k-2025-02-25", "ITEM 1. BUSINESS\nWells Fargo & Company is a corporation"),
    ],
)
def test_items_of_the_real_reports(name: str, first: str, real: Callable[[str], Path]) -> None:
    path = real(f"edgar_html/{name}.html.gz")
    raw = gzip.decompress(path.read_bytes()).decode("utf-8")
    # Found on another way: the last place where each item stands at the start of a text node.
    nodes = re.findall(r">\s*item\s+(\d{1,2}[ABC]?)\.?(?![\d,\w])", raw, re.IGNORECASE)
    assert sorted({node.upper() for node in nodes}) == sorted(ITEMS)
    documents = list(read_10k(path))
    assert [document.id.partition("item-")[2] for document in documents] == ITEMS
    assert documents[0].text.startswith(first)
    for item, document in zip(ITEMS, documents, strict=True):
        assert re.match(rf"item {item}\W", document.text, re.IGNORECASE)
    text = "\n".join(document.text for document in documents)
    assert not re.search(r"us-gaap:|xbrli:|<\w+[ >]", text)
    assert "Total current assets" not in text


def test_real_extracted_reports(real: Callable[[str], Path]) -> None:
    folder = real("edgar_extracted_json/101771_10K_1994_0000912057-94-001499.json.gz").parent
    counts = {}
    for path in sorted(folder.iterdir()):
        record = json.loads(gzip.decompress(path.read_bytes()))
        documents = list(read_10k(path))
        texts = [record[key] for key in record if key.startswith("item_") and record[key]]
        assert [document.text for document in documents] == [text.strip() for text in texts]
        counts[path.name.split("_")[0]] = len(documents)
    assert counts == {"1002517": 20, "1002682": 20, "1005101": 21, "101771": 14}

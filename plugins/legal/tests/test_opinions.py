from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from domainbert import DataError
from domainbert_legal.opinions import read_opinions

Write = Callable[[str, bytes | str], Path]


def read(path: Path) -> list[tuple[str, str]]:
    return [(found.id, found.text) for found in read_opinions(path)]


CAP: dict[str, Any] = {
    "id": 7,
    "name": "Quend v. Hartlow",
    "citations": [{"type": "official", "cite": "1 Tarn 2"}],
    "casebody": {
        "status": "ok",
        "data": {
            "head_matter": "Syllabus by an editor.",
            "opinions": [
                {
                    "type": "majority",
                    "author": "A, J.",
                    "text": "We affirm.\nSee 17 U.S.C.  § 107.",
                },
                {"type": "dissent", "author": "B, J.", "text": "I would reverse."},
            ],
        },
    },
}
CAP_READ = [
    ("cap:7#1", "We affirm.\nSee 17 U.S.C. § 107."),
    ("cap:7#2", "I would reverse."),
]


def test_a_case_of_the_caselaw_access_project(write: Write) -> None:
    assert read(write("a.json", json.dumps(CAP))) == CAP_READ
    newer = {**CAP, "casebody": CAP["casebody"]["data"]}
    assert read(write("b.json", json.dumps([newer]))) == CAP_READ
    lines = json.dumps(CAP) + "\n" + json.dumps({**CAP, "id": 8}) + "\n"
    found = list(read_opinions(write("c.jsonl", lines)))
    assert [(d.id, d.source) for d in found] == [
        ("cap:7#1", "c.jsonl:1"), ("cap:7#2", "c.jsonl:1"),
        ("cap:8#1", "c.jsonl:2"), ("cap:8#2", "c.jsonl:2"),
    ]  # fmt: skip


def test_opinions_of_courtlistener_as_json(write: Write) -> None:
    plain = {"id": 1, "plain_text": "One\nline.\n\nTwo § 3.", "html": "<p>Other</p>"}
    marked = {
        "id": 2,
        "plain_text": "",
        "html_with_citations": "<div><p>See <a href='x'>410 U.S. 113</a> &amp; 5 F.3d 1.</p>"
        "<script>no()</script><p>So&nbsp;ordered.</p></div>",
    }
    xml = {
        "id": 3,
        "plain_text": None,
        "xml_harvard": "<opinion><p>We <em>hold</em>.</p></opinion>",
    }
    empty = {"id": 4, "plain_text": " ", "html": ""}
    page = {"count": 4, "results": [plain, marked, xml, empty]}
    assert read(write("a.json", json.dumps(page))) == [
        ("courtlistener:1", "One line.\nTwo § 3."),
        ("courtlistener:2", "See 410 U.S. 113 & 5 F.3d 1.\nSo ordered."),
        ("courtlistener:3", "We hold."),
        ("courtlistener:4", ""),
    ]
    assert read(write("b.json", json.dumps(plain)))[0][0] == "courtlistener:1"


@pytest.mark.parametrize(
    "markup",
    [
        "<html><head><title>x</title><body><p>a</p></body></html>",
        "<html><head><title>x</title><body>a</body></html>",
        "<html><head><title>x<body><p>a</p></body></html>",
        "<head><title>x</head><div>a</div>",
        "<title>x<p>a",
        "<head><title>x</title><style>p {}</style><script>'<p>b</p>'</script></head><body>a",
    ],
)
def test_a_head_that_is_not_closed_hides_no_opinion(write: Write, markup: str) -> None:
    row = json.dumps({"id": 1, "html": markup})
    assert read(write("a.json", row)) == [("courtlistener:1", "a")]


def test_what_the_step_takes_out_stands_alone(write: Write) -> None:
    stamp = "Case 1:19-cv-01234-ABC Document 45 Filed 03/02/20 Page 1 of 12"
    row = {"id": 1, "plain_text": f"{stamp}\nWe affirm\nthe order.\n 12\n\fSee Art.\n5(1)(a)."}
    ((_, text),) = read(write("a.json", json.dumps(row)))
    assert text.split("\n") == [stamp, "We affirm the order.", "12", "See Art. 5(1)(a)."]


def test_lines_of_pleading_paper_are_not_joined(write: Write) -> None:
    page = [f"{n}  words of line {n}" for n in range(1, 26)]
    row = {"id": 1, "plain_text": "\n".join(page)}
    ((_, text),) = read(write("a.json", json.dumps(row)))
    assert text.split("\n") == [" ".join(line.split()) for line in page]


def test_bulk_data_of_courtlistener(write: Write) -> None:
    table = (
        "id,type,plain_text,html\n"
        '"1","010combined","He said \\"no\\".\n\nA path C:\\\\x.","<p>a</p>"\n'
        '"2","010combined","","<p>Second, with a comma</p>"\n'
    )
    expected = [
        ("courtlistener:1", 'He said "no".\nA path C:\\x.'),
        ("courtlistener:2", "Second, with a comma"),
    ]
    assert read(write("opinions.csv", table)) == expected
    assert read(write("opinions.csv.gz", gzip.compress(table.encode()))) == expected


def test_the_order_of_columns_does_not_matter(write: Write) -> None:
    assert read(write("o.csv", 'html,id\n"<p>a</p>","1"\n')) == [("courtlistener:1", "a")]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "id,type\n1,x\n", ":1: expected the columns `id` and one of plain_text"),
        ("a.csv", "", ":1: expected the columns `id`"),
        ("a.csv", "id,plain_text\n1,x,y\n", ":2: expected 2 columns as in the header, found 3"),
        ("a.csv", 'id,plain_text\n"1","cut', "not valid CSV"),
        ("a.json", "{", "not valid JSON"),
        ("a.json", "[" * 100_000, "not valid JSON"),
        ("a.json", b"\xff\xfe{", "not valid JSON"),
        ("a.json", '[{"id": 1}]', ": item 1: expected opinions of CourtListener"),
        ("a.json", "[3]", ": item 1: expected opinions of CourtListener"),
        ("a.jsonl", '{"plain_text": "x"}', ":1: expected opinions of CourtListener"),
        ("a.jsonl", '{"id": 1, "casebody": {"status": "limit"}}', "has no list `opinions`"),
        ("a.jsonl", '{"id": 1, "casebody": {"data": "<x/>"}}', "has no list `opinions`"),
        ("a.jsonl", '{"id": 1, "casebody": {"opinions": [{}]}}', "opinion 1 of `casebody` without"),
        ("a.xml", "<x/>", "expected a .csv, .json or .jsonl file. Rename it"),
        ("a.csv.bz2", "x", "Decompress .bz2 and .xz files first"),
    ],
)
def test_what_is_refused(write: Write, name: str, content: bytes | str, message: str) -> None:
    path = write(name, content)
    with pytest.raises(DataError, match=re.escape(str(path))) as error:
        read(path)
    assert message in str(error.value)


def test_an_opinion_of_100_000_words(write: Write) -> None:
    row = {"id": 1, "plain_text": "word " * 100_000}
    ((_, text),) = read(write("a.json", json.dumps(row)))
    assert len(text.split()) == 100_000

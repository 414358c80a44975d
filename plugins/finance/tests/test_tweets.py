from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from domainbert import DataError, Example
from domainbert_finance.shares import is_of_split
from domainbert_finance.tweets import read_tweets

Write = Callable[..., Path]
TABLE = """\ufefftext,label
$VPMP - Vale Pumps pulls its outlook,0
"Orrin Steel upgraded, target ""raised"" to 9",1
"Vale Pumps reports
on Monday",2
"""
EXAMPLES = [
    Example("$VPMP - Vale Pumps pulls its outlook", ("bearish",)),
    Example('Orrin Steel upgraded, target "raised" to 9', ("bullish",)),
    Example("Vale Pumps reports on Monday", ("neutral",)),
]


def test_numbers_become_tones(write: Write) -> None:
    assert list(read_tweets(write("a.csv", TABLE), "test")) == EXAMPLES


def test_the_order_of_columns_is_that_of_the_header(write: Write) -> None:
    rows = 'label,text\n0,$VPMP - Vale Pumps pulls its outlook\n1,"Orrin, up"\n'
    assert list(read_tweets(write("a.csv", rows), "test")) == [
        EXAMPLES[0],
        Example("Orrin, up", ("bullish",)),
    ]


def test_train_and_validation_share_texts_out(write: Write) -> None:
    rows = "".join(f"Vale Pumps opens plant {n},{n % 3}\n" for n in range(100))
    path = write("a.csv", "text,label\n" + rows)
    read = {s: [e.text for e in read_tweets(path, s)] for s in ("train", "validation")}
    assert len(read["train"]) + len(read["validation"]) == 100
    assert all(is_of_split(text, split) for split, texts in read.items() for text in texts)
    assert read["validation"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("text,label\nup,3\n", r"a\.csv:2: expected a text and a label, 0 \(bearish\).*'3'"),
        ("text,label\nup,bullish\n", r"a\.csv:2: expected a text and a label"),
        ("text,label\nup,\n", r"a\.csv:2: expected a text and a label"),
        ("text,label\n ,1\n", r"a\.csv:2: expected a text and a label"),
        # Columns in the other order, under the header of the first: texts are no labels.
        ("text,label\n1,Vale Pumps up\n", r"a\.csv:2: expected a text and a label.*'1'"),
        ("Vale Pumps up,1\n", r"a\.csv:1: no column 'text'; the header names Vale Pumps up, 1"),
        ("text,label\nVale, Pumps up,1\n", r"a\.csv:2: expected 2 columns as in the header"),
    ],
)
def test_what_is_refused(write: Write, content: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        list(read_tweets(write("a.csv", content), "test"))

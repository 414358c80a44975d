from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from domainbert import DataError, Pair
from domainbert_clinical.mednli import read_mednli

KEYS = ("gold_label", "pairID", "sentence1", "sentence2")
ROWS = [
    dict(zip(KEYS, row, strict=True))
    for row in (
        ("entailment", "1", "Labs on [**5-9**]: K 6.8.", "Potassium is high."),
        ("-", "2", "He sleeps.", "He is tired."),
        ("neutral", "3", "She walks.", "She runs."),
    )
]


def read(path: Any) -> tuple[list[Pair], Counter[str]]:
    counts = Counter[str]()
    return list(read_mednli(path, None, counts)), counts  # type: ignore[arg-type]


def test_pairs_with_plain_words_for_placeholders(written: Any) -> None:
    path = written("mli_dev_v1.jsonl", "".join(json.dumps(row) + "\n" for row in ROWS))
    assert read(path) == (
        [
            Pair("Labs on date: K 6.8.", "Potassium is high.", ("entailment",)),
            Pair("She walks.", "She runs.", ("neutral",)),
        ],
        {"without_label": 1},
    )


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"gold_label": "maybe"}, "a.jsonl:1: gold_label 'maybe'. Expected one of entailment"),
        ({"sentence2": " "}, "a.jsonl:1: no text in 'sentence2'"),
        ({"sentence1": None}, "a.jsonl:1: no text in 'sentence1'"),
    ],
)
def test_malformed_lines_are_refused(written: Any, changes: Any, error: str) -> None:
    with pytest.raises(DataError, match=error):
        read(written("a.jsonl", json.dumps({**ROWS[0], **changes}) + "\n"))

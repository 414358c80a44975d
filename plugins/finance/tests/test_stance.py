from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from domainbert import DataError, Example
from domainbert_finance.shares import is_of_split
from domainbert_finance.stance import read_stance

Rows = Sequence[Sequence[Any]]
HEADER = (None, "index", "sentence", "year", "label")
ROWS = (
    (0, 12, "Rates may have to  rise\nfurther.", 2005, 1),
    (1, 7, "Slack in the labor market remains large.", 2011, 0),
    (2, 3, "The staff reviewed the operating plan.", 2018, 2.0),
)


@pytest.fixture
def workbook(tmp_path: Path) -> Callable[..., Path]:
    def make(rows: Rows, header: Sequence[Any] = HEADER) -> Path:
        book = Workbook()
        for row in (header, *rows):
            book.worksheets[0].append(list(row))
        book.save(path := tmp_path / "stance.xlsx")
        return path

    return make


def test_numbers_become_stances(workbook: Callable[..., Path]) -> None:
    assert list(read_stance(workbook(ROWS), "test")) == [
        Example("Rates may have to rise further.", ("hawkish",)),
        Example("Slack in the labor market remains large.", ("dovish",)),
        Example("The staff reviewed the operating plan.", ("neutral",)),
    ]


def test_the_order_of_columns_is_that_of_the_header(workbook: Callable[..., Path]) -> None:
    path = workbook([(1, "Rates rose.")], header=("label", "sentence"))
    assert list(read_stance(path, "test")) == [Example("Rates rose.", ("hawkish",))]


def test_train_and_validation_share_sentences_out(workbook: Callable[..., Path]) -> None:
    path = workbook([(n, n, f"Rates rose by {n} points.", 2005, n % 3) for n in range(100)])
    read = {s: [e.text for e in read_stance(path, s)] for s in ("train", "validation")}
    assert len(read["train"]) + len(read["validation"]) == 100
    assert all(is_of_split(text, split) for split, texts in read.items() for text in texts)
    assert read["validation"]


@pytest.mark.parametrize("label", [3, -1, 0.5, "", None, "hawkish", True])
def test_a_label_outside_0_to_2_is_refused(workbook: Callable[..., Path], label: Any) -> None:
    path = workbook([*ROWS, (3, 1, "Growth slowed.", 2001, label)])
    said = r"stance\.xlsx:5: expected a sentence and a label, 0 \(dovish\).* found 'Growth slowed"
    with pytest.raises(DataError, match=said):
        list(read_stance(path, "test"))


def test_other_bad_workbooks(workbook: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"stance\.xlsx:2: expected a sentence and a label"):
        list(read_stance(workbook([(0, 1, " ", 2001, 1)]), "test"))
    with pytest.raises(DataError, match=r"no column 'sentence'; the header names text, label"):
        list(read_stance(workbook([("a", 1)], header=("text", "label")), "test"))
    other = tmp_path / "other.xlsx"
    other.write_bytes(b"sentence,label\nRates rose.,1\n")
    with pytest.raises(DataError, match=r"other\.xlsx: not a readable \.xlsx workbook"):
        list(read_stance(other, "test"))

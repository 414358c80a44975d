from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from domainbert import DataError
from domainbert_legal.contracts import read_contract

Write = Callable[[str, bytes | str], Path]


def lines(path: Path) -> list[str]:
    (found,) = read_contract(path)
    return found.text.split("\n")


def test_a_contract_is_a_document_with_a_line_per_clause(write: Write) -> None:
    text = (
        "SUPPLY  AGREEMENT\r\n\r\nThis Agreement is made\r\nbetween us.\r\n\r\n"
        "WHEREAS the parties agree;\r\n1. Term.\r\nIt lasts\r\n two years.\r\n1.1 It ends.\r\n"
        "(a) on notice; or\r\n(ii) at once.\r\nARTICLE IV\r\nPrice.\r\n"
    )
    path = write("Lease.PDF.txt", text)
    (found,) = read_contract(path)
    assert (found.id, found.source) == ("Lease.PDF", "Lease.PDF.txt")
    assert found.text.split("\n") == [
        "SUPPLY AGREEMENT", "This Agreement is made between us.", "WHEREAS the parties agree;",
        "1. Term. It lasts two years.", "1.1 It ends.", "(a) on notice; or", "(ii) at once.",
        "ARTICLE IV Price.",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "words",
    [
        "as set out in Section\n5.2 above", "under Article\n5(1)(a) of it", "17 U.S.C.\n§ 107",
        "subject to clause\n(b) below", "Sections 4, 5 and\n6.1 apply", "by reason of §\n1983 it",
    ],
)  # fmt: skip
def test_a_reference_over_two_lines_stays_in_one_piece(write: Write, words: str) -> None:
    if "U.S.C." in words:
        words = words.replace("U.S.C.\n", "U.S.C. of\n")
    assert lines(write("a.txt", f"It is void {words}.")) == [
        f"It is void {words}.".replace("\n", " ")
    ]


def test_what_the_step_takes_out_stands_alone(write: Write) -> None:
    text = "The rent is due\n[Signature page follows]\nPage 3 of 9\fon Monday.\n- 4 -\n"
    assert lines(write("a.txt", text)) == [
        "The rent is due", "[Signature page follows]", "Page 3 of 9", "on Monday.", "- 4 -",
    ]  # fmt: skip


def test_old_encodings_are_read(write: Write) -> None:
    assert lines(write("a.txt", "Art. 5 § 2 “Käufer”".encode("cp1252"))) == ["Art. 5 § 2 “Käufer”"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<!DOCTYPE html><html><body>Lease</body></html>", "HTML, PDF or RTF"),
        (b"%PDF-1.7\n1 0 obj", "HTML, PDF or RTF"),
        (b"{\\rtf1 Lease}", "HTML, PDF or RTF"),
        (b"Lease\0", "byte 5 is zero"),
    ],
)
def test_what_is_no_plain_text_is_refused(write: Write, content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        lines(write("a.txt", content))


def test_a_contract_of_100_000_words(write: Write) -> None:
    clause = "The Supplier shall deliver the goods to the Buyer at its silo on time.\n"
    text = "".join(f"{n % 90 + 1}. {clause}" for n in range(7_200))
    found = lines(write("a.txt", text))
    assert len(found) == 7_200
    assert sum(len(line.split()) for line in found) == 7_200 * 15 > 100_000

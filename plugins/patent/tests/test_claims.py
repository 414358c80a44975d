from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

import pytest

from domainbert import DataError
from domainbert_patent.greenbook import in_force
from domainbert_patent.record import clean_claims
from domainbert_patent.stream import Position, check_prolog

RANGES = ("1-20.", "1.-20.", "1. to 20.", "1 to 20 .", "1, 2.", "1., 2. and 3.", "1 through 4.",
          "1\u201320.", "Claims 1-20", "5.", "")  # fmt: skip
STATES = ("(canceled)", "(Cancelled).", "[Canceled]", "Cancelled.", "(canceled without prejudice)",
          "(previously cancelled)", "(withdrawn)", "(not entered)")  # fmt: skip


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("numbers", RANGES)
def test_a_notice_of_cancelled_claims_is_no_claim(numbers: str, state: str) -> None:
    assert clean_claims([f"{numbers} {state}", "21. A pump."]) == ("A pump.",)


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["1. A pump."], ["A pump."]),
        (["1 A pump.", "2 The pump of claim 1."], ["A pump.", "The pump of claim 1."]),
        (["1) A pump."], ["A pump."]),
        (["The design, as shown in FIG. 1."], ["The design, as shown in FIG. 1."]),
        (["A pump", "The pump of claim 1."], ["A pump", "The pump of claim 1."]),
        (["3 D printer."], ["3 D printer."]),
        (["1.5 mm wide pump."], ["1.5 mm wide pump."]),
        (["A pump with a cancelled valve."], ["A pump with a cancelled valve."]),
    ],
)
def test_only_a_number_at_the_start_is_taken_off(texts: list[str], expected: list[str]) -> None:
    assert clean_claims(texts) == tuple(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (".[.A seal..]. .Iadd.1. Two seals..Iaddend.", "1. Two seals."),
        ("one .[.a.]. b .[.c.]. d", "one b d"),
        ("a .[. b", "a .[. b"),
        ("plain  text", "plain  text"),
    ],
)
def test_the_text_in_force_of_a_reissue(text: str, expected: str) -> None:
    assert in_force(text) == expected


@pytest.mark.parametrize("unit", ["<?", "<!--", "<!DOCTYPE ", "<!DOCTYPE a", "<!NOTATION ", "&a;"])
def test_a_prolog_of_any_content_takes_linear_time(unit: str) -> None:
    def seconds(count: int) -> float:
        started = time.process_time()
        with suppress(DataError):
            check_prolog(b"<!DOCTYPE a [" + unit.encode() * count, Position(Path("a.xml")))
        return time.process_time() - started

    assert seconds(40_000) < 16 * seconds(10_000) + 0.1


def test_a_claim_of_any_content_takes_linear_time() -> None:
    for unit in ("1 ", "1, 2 and ", "to ", "claims "):
        started = time.process_time()
        clean_claims([unit * 20_000 + "x"])
        assert time.process_time() - started < 2

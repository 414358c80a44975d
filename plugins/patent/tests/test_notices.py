"""Cancelled claims are counted and are no claims, whatever the wording of their notice."""

from __future__ import annotations

import pytest

from domainbert_patent.claims import Claims, clean_claims
from domainbert_patent.notices import claim_numbers, read_notice

RANGES = {
    "1-20.": 20, "1.-20.": 20, "1. to 20.": 20, "1 to 20 .": 20, "1, 2.": 2, "1., 2. and 3.": 3,
    "1 through 4.": 4, "1 thru 4": 4, "1\u201320.": 20, "1\u201120": 20, "1.\u221220.": 20,
    "1.~20.": 20, "1.\uff5e20.": 20, "\uff11\uff0d\uff12\uff10.": 20, "1 . . . 20.": 20,
    "Claim 1-Claim 20.": 20, "1 through and including 20": 20,
    "Claims 1-20": 20, "Claims 1 to 20": 20, "Claim 7": 1, "1, 3, and 5.": 3,
    "1-5, 7 and 9-12.": 10,
    "1. - 3. & 5.": 4, "00001-00020.": 20, "5.": 1, "5)": 1, "": 1,
}  # fmt: skip


STATES = ("(canceled)", "(Cancelled).", "[Canceled]", "Cancelled.", "canceled", "CANCELLED",
          "(canceled without prejudice)", "(cancelled, without prejudice or disclaimer)",
          "(previously cancelled)", "(withdrawn)", "(not entered)", "(deleted)", "{cancelled}",
          "(cancelled in favour of claim 21)", "(canceled by examiner's amendment)", "-canceled-",
          "have been cancelled.", "are canceled without prejudice to the subject matter thereof.",
          "(Canceled herein)", "(canceled", "(canceld)", "(gestrichen)",
          "(supprim\u00e9e)", "(can\u00adcelled)", "(Lapsed)", "(no longer pending)",
          "were canceled in the response of May 3, 2020.")  # fmt: skip


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("numbers", RANGES)
def test_a_notice_of_cancelled_claims_is_counted_and_is_no_claim(numbers: str, state: str) -> None:
    found = clean_claims([("", f"{numbers} {state}"), ("", "21. A pump.")])
    assert found == Claims(("A pump.",), cancelled=RANGES[numbers])


@pytest.mark.parametrize(
    "whole", ["(1-3. canceled)", "[Claims 1 to 3 canceled]", "1.-3.(canceled)"]
)
def test_numbers_within_the_bracket(whole: str) -> None:
    assert clean_claims([("", whole)]) == Claims((), cancelled=3)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("Please cancel claims 1-20 without prejudice.", 20), ("Canceled claims: 1 and 3.", 2),
        ("1. (This claim has been canceled.)", 1), ("1 and 2 (both canceled)", 2),
        ("(1) - (20) (canceled)", 20), ("1. (withdrawn) (canceled)", 1), ("3. [not used]", 1),
        ("1. (cancelled) 2-4. (cancelled)", 4),
        ("The claims 1 to 4 are cancelled in their entirety.", 4), ("1. This (canceled).", 1),
        ("1.-20. canceled in favor of new claims 21-30", 20),
    ],
)  # fmt: skip
def test_other_wordings_of_a_notice(text: str, count: int) -> None:
    assert clean_claims([("", text)]) == Claims((), cancelled=count)


def test_a_notice_without_brackets_may_have_a_claim_behind_it() -> None:
    found = clean_claims([("", "1-20. Canceled. 21. A pump."), ("", "22. Two.")])
    assert found == Claims(("A pump.", "Two."), 20)


def test_a_notice_may_have_a_claim_behind_it() -> None:
    one = ("", "1-20. (canceled) 21. A pump.")
    assert clean_claims([one, ("", "22. Two.")]) == Claims(("A pump.", "Two."), 20)


@pytest.mark.parametrize(
    ("published", "count"),
    [
        ("1-20. (canceled) 21 A pump.", 20), ("1-20. (canceled) Claim 21. A pump.", 20),
        ("1-20. (canceled) What is claimed is: 21. A pump.", 20),
        ("2-4 (cancelled) (5) A pump.", 3), ("2-4 (cancelled) [5]. A pump.", 3),
        ("1. (canceled) 2 A pump.", 1), ("1-20. (canceled) A pump.", 20),
        ("1-20. (canceled) What is claimed is: A pump.", 20),
        ("1-3. (canceled) Claim 4. (canceled) 5 A pump.", 4),
    ],
)  # fmt: skip
def test_the_number_of_a_claim_behind_a_notice_may_be_of_any_form(
    published: str, count: int
) -> None:
    found = clean_claims([("", published), ("", "Another lid.")])
    assert found == Claims(("A pump.", "Another lid."), count)


@pytest.mark.parametrize(
    ("published", "found"),
    [
        (["1.-3. (canceled)", "2. (canceled)", "3. (canceled)", "4. A"], Claims(("A",), 3)),
        (["1.-3. (canceled)", "(canceled)", "(canceled)", "6. A"], Claims(("A",), 5)),
        (["1. (canceled) 1-2. (canceled) 3. A pump."], Claims(("A pump.",), 2)),
    ],
)
def test_a_claim_that_several_notices_name_is_counted_once(
    published: list[str], found: Claims
) -> None:
    assert clean_claims([("", text) for text in published]) == found


def test_a_claim_behind_many_notices_in_one_text() -> None:
    notices = "".join(f"{n}. (canceled) " for n in range(2, 150))
    assert clean_claims([("", notices + "150. A pump.")]) == Claims(("A pump.",), 148)


@pytest.mark.parametrize("text", ["2 pumps.", "(1) a step; (2) a step.", "(a) A pump."])
def test_a_number_that_is_text_of_a_cancelled_claim_goes_with_it(text: str) -> None:
    assert clean_claims([("", f"1. (canceled) {text}")]) == Claims((), cancelled=1)


def test_the_text_of_a_cancelled_claim_is_left_out_and_that_of_a_withdrawn_one_kept() -> None:
    gone, aside = ("", "1. (canceled) A pump."), ("", "2. (withdrawn) A pump with a lid.")
    assert clean_claims([gone, aside]) == Claims(("A pump with a lid.",), cancelled=1)


@pytest.mark.parametrize(
    "text",
    [
        "A noise canceling headset in which the order is canceled.",
        "Cancelled stamps holder comprising a lid.",
        "A method in which claims 1-20 are (canceled).",
        "Deleted file finder, comprising a disk.",
        "Deleted (canceled) file finder.",
        "To cancel an echo, a filter.",
        "Withdrawn fluid meter.",
        "The (canceled) flag reader.",
        "Lapsed policies are sorted by a processor.",
        "No longer pending orders are purged by a server.",
    ],
)
@pytest.mark.parametrize("number", ["", "1. ", "Claim 1. "])
def test_a_claim_in_which_something_is_cancelled_stays(text: str, number: str) -> None:
    assert clean_claims([("", number + text)]) == Claims((text,))


def test_what_follows_a_notice_is_as_it_was() -> None:
    text = "A \uff46lag\u00ad, \uff08red\uff09."
    assert clean_claims([("", f"1. (can\u00adcelled) 2. {text}")]) == Claims((text,), cancelled=1)


def test_numbers_of_a_list() -> None:
    assert claim_numbers("1.-3., 5 and 7 to 9.") == (1, 2, 3, 5, 7, 8, 9)
    assert claim_numbers("CLM-00001-00002") == (1, 2)
    assert claim_numbers("9-7, 1-9999 and 123456") == (1, 7, 9, 9999)
    assert claim_numbers("xx") == ()
    assert read_notice("1. A pump.") is None

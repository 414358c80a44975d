"""Notices and marks in rarer wordings and characters, and living claims that look like them."""

from __future__ import annotations

import pytest

from domainbert_patent.claims import Claims, clean_claims, joined
from domainbert_patent.notices import claim_numbers

TWENTY = (
    "1.-20. canceled in favor of new claims 21-30",
    "1.-20. cancelled in favour of claim 21.",
    "1.-20. (can\u00adcelled)",
    "1.-20. (can\u00ad celled)",
    "1.\u00ad20. (canceled)",
    "\ufeff1.-20. (can\u200bcelled)",
    "Claims 1 through and including 20 (canceled)",
    "Claims 1 up to and including 20 (canceled)",
    "Claims from 1 to 20 (canceled)",
    "1-20 incl. (canceled)",
    "Claims 1-20 were canceled in the response of May 3, 2020.",
    "Claims 1-20 have been cancelled by way of the Office communication mailed 3/5/2020.",
    "Claims 1-20 were cancelled because they had been rejected.",
    "1-20. Cancelled pursuant to Rule 126.",
    "1-20. (This group of claims has been canceled.)",
    "1.-20. (no longer pending)",
    "1-20 are no longer pending.",
    "1-20. (Lapsed)",
    "1-20. (not pending)",
    "1-20. (intentionally left blank)",
    "1-20. (Status: canceled)",
    "1-20. (voluntarily canceled)",
    "1-20. (cancelled in the reply of 3 May 2020 [Paper 5])",
    "\uff11\uff0d\uff12\uff10. (canceled)",
    "\uff11\uff5e\uff12\uff10\uff0e\uff08\uff43anceled\uff09",
    "1.\uff5e20. (canceled)",
    "1.\u301c20. (canceled)",
    "1 . . . 20. (canceled)",
    "1. \u2025 20. (canceled)",
    "Claim 1-Claim 20. (canceled)",
    "Claim 1 to Claim 20. (canceled)",
    "claim 1 through claim no. 20. (canceled)",
    "Nos. 1 to 20 (canceled)",
    "1/20 (canceled)",
    "1-20. \u3010canceled\u3011",
    "1-20. (can-celled)",
    "1-20. (canc.)",
)  # fmt: skip


@pytest.mark.parametrize("notice", TWENTY)
def test_twenty_claims_are_cancelled(notice: str) -> None:
    assert clean_claims([("", notice), ("", "21. A pump.")]) == Claims(("A pump.",), 20)
    assert clean_claims([("", f"{notice} 21. A pump.")]) == Claims(("A pump.",), 20)


@pytest.mark.parametrize(
    ("notice", "count"),
    [
        ("5. (This claim has been canceled.) A pump.", 1), ("(1-3. canceled) 4. A pump.", 3),
        ("5. Canceled in favor of claim 21.", 1), ("1. (canceled) 2.5 mm wide pump.", 1),
        ("1. (canceled) 2-way pump.", 1), ("1. (Removed)", 1), ("1-3. (replaced)", 3),
        ("1/3/5. (canceled)", 3), ("1-3/7. (canceled)", 4), ("1, 2/5. (canceled)", 3),
        ("1. [Canceled, see Paper (5)]", 1), ("1. (Currently amended) (canceled)", 1),
        ("1-3 (cancelled) and 4. A pump.", 3), ("Claims 1-3: Cancelled; 4. A pump.", 3),
    ],
)  # fmt: skip
def test_other_counts(notice: str, count: int) -> None:
    assert clean_claims([("", notice)]).cancelled == count
    assert clean_claims([("", notice)]).texts == (
        ("A pump.",) if "A pump" in notice and count > 1 else ()
    )


def test_claims_that_replace_cancelled_ones_are_not_counted() -> None:
    published = [("00001-00020", "Canceled in favor of new claims 21-30"), ("00021", "21. A lid.")]
    assert clean_claims(published) == Claims(("A lid.",), 20)


@pytest.mark.parametrize(
    "text",
    [
        "The (canceled) flag reader", "This (deleted) file finder", "All (canceled) flags",
        "Both (canceled) flags", "Original (deleted) file finder", "Pending (canceled) order list",
        "The original (canceled) flag reader", "The (canceled) 2-way reader", "A (canceled) flag",
        "The (canceled) 2 way reader", "Now (canceled) flights", "(Removed) hair collector",
        "The lapsed policy finder", "Lapsed policies in a list, and a finder",
        "No longer pending orders in a queue", "Left (removed) arm", "In a removed state, a pump",
        "Cancelled in part, a stamp of paper", "The canceled claims of insured persons, in a list",
        "The claim is canceled by the insurer with a button", "Claims list reader",
        "Claim 1 reader of the canceled kind", "No canceled order", "(Pending) order list",
        "(allowed) list", "(Third) pump", "(Times) of day", "(Amended-soil) planter",
        "(Filed) nail",
        "(Reissued) ticket reader", "(As) pump", "(New York) pump", "(1\u2192 4)-glucan",
        "Reissue (certificate) printer", "\uff13\uff24 printer", "\uff11,2-dichloroethane",
        "pu\u00admp \uff21\uff22 \uff08new\uff09", "\u3010a\u3011 pump",
    ],
)  # fmt: skip
@pytest.mark.parametrize("number", ["", "1. ", "Claim 1. ", "\uff11\uff0e"])
def test_a_living_claim_that_looks_like_a_notice_stays(text: str, number: str) -> None:
    other = ("", "2. A lid." if number else "A lid.")
    assert clean_claims([("", number + text), other]) == Claims((text, "A lid."))


@pytest.mark.parametrize(
    "number", ["\uff11. ", "\uff11\uff0e", "1\uff0e", "\uff081\uff09", "Claim\u3000\uff11\uff1a",
    "1\u200b. "]
)  # fmt: skip
def test_a_number_in_other_characters_is_taken_off_and_the_text_unchanged(number: str) -> None:
    text = "A pu\u00admp of \uff11\uff10 mm \uff08new\uff09 \u301c\u200b."
    assert clean_claims([("", number + text)]) == Claims((text,))
    assert clean_claims([("", "2-3. (can\u00adceled) " + number.replace("1", "4") + text)]).texts


def test_paragraphs_whose_numbers_have_other_characters_are_claims() -> None:
    assert joined(["\uff11\uff0e A pump", "a", "\uff12\uff0e B"]) == [
        "\uff11\uff0e A pump a",
        "\uff12\uff0e B",
    ]


MARKS = (
    "(thrice amended)", "(Thrice-Amended)", "(Currently Amended.)", "(Amended Three Times)",
    "(Amended 3 times)", "(three times amended)", "(Reissue)", "(As filed)",
    "(as originally filed)",
    "(Originally filed)", "(Amended twice)", "(Twice Amended herein)", "(3rd amended)",
    "(Amended, May 3, 2020)", "(currently amended, see the remarks)", "{Currently amended}",
    "(Original) (Withdrawn)", "(cur\u00adrently amended)", "\uff08Original\uff09",
    "(Original claim)",
    "(Allowed)", "(Pending)", "(Original, Allowed)", "(Not amended)", "(Amendment)", "( New )",
    "(presently amended)", "(once again amended)", "(Rewritten)", "(Second Amendment)",
    "(As previously presented)", "(Previously withdrawn)", "(Proposed Amended)",
    "(Withdrawn from consideration)", "(Formerly claim 5)", "(Previously Amended)",
    "(Reinstated \u2013 formerly dependent claim #12)", "(New Claim 1)",
)  # fmt: skip


@pytest.mark.parametrize("mark", MARKS)
@pytest.mark.parametrize("number", ["1. ", "1 ", "Claim 1 ", "1) ", ""])
def test_a_status_mark_of_any_wording_is_no_text(mark: str, number: str) -> None:
    assert clean_claims([("", f"{number}{mark} A (new) pump.")]) == Claims(("A (new) pump.",))


def test_numbers_in_other_characters() -> None:
    assert claim_numbers("1/20") == tuple(range(1, 21))
    assert claim_numbers("1/3/5") == (1, 3, 5)
    assert claim_numbers("1 to claim 3") == (1, 2, 3)
    assert clean_claims([("\uff10\uff10\uff17", "7 - A pump.")]) == Claims(("A pump.",))

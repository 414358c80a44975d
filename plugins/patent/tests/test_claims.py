"""Claims come through unchanged, whatever their numbering, and cancelled ones are counted."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from domainbert import DataError
from domainbert_patent.claims import Claims, clean_claims, joined
from domainbert_patent.notices import claim_numbers, read_notice, without_status
from domainbert_patent.stream import Position, check_prolog

STYLES = ("{n}. ", "{n} . ", "{n}.", "{n}) ", "({n}) ", "[{n}] ", "{n}.) ", "{n}: ", "{n}.- ",
          "{n} - ", "{n} \u2013 ", "{n}.\u2014", "{n}\u00ba.- ", "{n}/ ", "Claim {n}. ",
          "CLAIM {n}: ",
          "What is claimed is: {n}. ", "I claim: {n}. ", "What is claimed is {n}. ",
          "The invention claimed is: {n}. ", "Claims {n}. ", "{n} ", "")  # fmt: skip
# A digit close behind may belong to the number, unless other claims show what the number is.
NEED_LETTERS = ("{n}.\u2014", "{n} - ", "{n} \u2013 ", "{n}/ ")
NEED_A_LETTER = ("{n}.", "{n}: ", "CLAIM {n}: ")
WORDS = st.sampled_from([
    "A", "pump", "comprising:", "(a)", "a", "seal;", "as", "shown", "in", "FIG.", "1.", "1", "2.",
    "12)", "(3)", "claim", "claims", "1-3,", "wherein", "canceled", "withdrawn", "5-HT", "to",
    "and", "1,2-dichloroethane", "2.5", "mm", "3D", "the", "-", "3.", "cancelled;", "is",
    "(new)", "\u00bd",
])  # fmt: skip
TEXTS = st.lists(WORDS, min_size=1, max_size=12).map(" ".join)


def texts(*claims: str) -> tuple[str, ...]:
    return clean_claims([("", claim) for claim in claims]).texts


def is_claim(text: str) -> bool:
    """Tell whether a text is that of a claim, and neither a notice nor a number."""
    begins = text[0].isalpha() or text.startswith(("(a)", "1,2-", "2.5 mm", "3D", "5-HT", "\u00bd"))
    letters = any(len(word) > 1 and word.isalpha() for word in text.split())
    heads = ("claim", "claims", "to ", "and ", "the ", "is ", "canceled", "cancelled", "withdrawn")
    return begins and letters and not text.lower().startswith(heads)


@given(st.lists(TEXTS.filter(is_claim), min_size=2, max_size=4), st.sampled_from(STYLES))
@example(["The design, as shown in FIG. 1.", "2.5 mm pump"], "")
@example(["10 pumps of claim 1, wherein 2. is", "A pump"], "{n}. ")
def test_a_text_comes_through_whatever_the_numbering(claims: list[str], style: str) -> None:
    letters = [claim[0].isalpha() for claim in claims]
    assume(all(letters) or style not in NEED_LETTERS)
    assume(any(letters) or style not in NEED_A_LETTER)
    published = [style.format(n=n) + claim for n, claim in enumerate(claims, 1)]
    assert clean_claims([("", text) for text in published]) == Claims(tuple(claims))


@given(st.lists(TEXTS.filter(is_claim), min_size=1, max_size=3), st.integers(2, 900))
def test_numbers_go_on_behind_a_notice(claims: list[str], last: int) -> None:
    notice = f"1.-{last}. (canceled)"
    published = [notice] + [f"{last + n}. {claim}" for n, claim in enumerate(claims, 1)]
    assert clean_claims([("", text) for text in published]) == Claims(tuple(claims), last)
    named = [(f"{1:05d}-{last:05d}", notice)]
    named += [(f"CLM-{last + n:05d}", text) for n, text in enumerate(published[1:], 1)]
    assert clean_claims(named) == Claims(tuple(claims), last)


@given(TEXTS.filter(is_claim))
def test_a_single_claim_with_or_without_a_number(claim: str) -> None:
    assert texts(claim) == texts(f"1. {claim}") == texts(f"17. {claim}") == (claim,)


RANGES = {
    "1-20.": 20, "1.-20.": 20, "1. to 20.": 20, "1 to 20 .": 20, "1, 2.": 2, "1., 2. and 3.": 3,
    "1 through 4.": 4, "1 thru 4": 4, "1\u201320.": 20, "1\u201120": 20, "1.\u221220.": 20,
    "1.~20.": 20,
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
          "(supprim\u00e9e)")  # fmt: skip


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
        ("The claims 1 to 4 are cancelled in their entirety.", 4),
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
        (["1-3, 5. (canceled)", "4. A pump", "6. B"], Claims(("A pump", "B"), 4)),
        (["1. A", "3. (canceled)", "2. B"], Claims(("A", "B"), 1)),
        (["1. A", "5. B", "3. C", "5. mm"], Claims(("A", "B", "C", "5. mm"))),
        (["(canceled)", "1. A pump", "2. B"], Claims(("A pump", "B"), 1)),
        (["4.", "1. A pump", "2. B"], Claims(("A pump", "B"), empty=1)),
    ],
)
def test_a_number_out_of_order_is_the_claims_own_unless_another_has_it(
    published: list[str], found: Claims
) -> None:
    assert clean_claims([("", text) for text in published]) == found


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
    ],
)
@pytest.mark.parametrize("number", ["", "1. ", "Claim 1. "])
def test_a_claim_in_which_something_is_cancelled_stays(text: str, number: str) -> None:
    assert clean_claims([("", number + text)]) == Claims((text,))


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        (["A pump.", "The pump of claim 1.", "3 D printer."], None),
        (["A pump.", "The pump of claim 1.", "3D printer."], None),
        (["1.5 mm wide pump."], None),
        (["20 pumps."], None),
        (["1:1 mixture of oils."], None),
        (["1,2-dichloroethane.", "2,4-D."], None),
        (["3. Generation Mobilfunk.", "Netz nach Anspruch 1.", "Netz nach Anspruch 2."], None),
        (["A method.", "Use of it.", "1) a step; 2) a step."], None),
        (["Claims 1 and 2 are amended as shown."], None),
        (["We claim the pump."], None),
        (["6) that contained a seal."], None),
        (["3- where n is 1."], None),
        (
            ["10. The pump of claim 1, wherein 2. is red."],
            ["The pump of claim 1, wherein 2. is red."],
        ),
        (
            ["1.2-methylpropane.", "2.The gas.", "3.A lid."],
            ["2-methylpropane.", "The gas.", "A lid."],
        ),
        (["1A pump.", "2The pump."], ["A pump.", "The pump."]),
        (["1. 2. A pump."], ["2. A pump."]),
        (["I claim: A pump."], ["A pump."]),
        (["I/We hereby claim: 1. A pump."], ["A pump."]),
        (["Having thus described it, what is claimed is: 1. A pump."], ["A pump."]),
        (
            ["What I claim as new and desire to secure by Letters Patent is: 1. A pump."],
            ["A pump."],
        ),
        (
            ["We claim and desire to secure by Letters Patent of the United States: 1. Oil."],
            ["Oil."],
        ),
        (["Having a lid, the pump of claim 1."], None),
        (["The embodiments of the invention of claim 1."], None),
        (["8. A pump.", "11. A lid.", "13. A cap."], ["A pump.", "A lid.", "A cap."]),
        (["2000. A pump."], ["A pump."]),
    ],
)
def test_only_the_claims_own_number_is_taken_off(
    claims: list[str], expected: list[str] | None
) -> None:
    assert texts(*claims) == tuple(claims if expected is None else expected)


def test_the_number_that_the_file_gives_is_the_claims_own() -> None:
    published = [("00003", "3) A lid."), ("00009", "9 - The cap."), ("00010", "A seal.")]
    assert clean_claims(published).texts == ("A lid.", "The cap.", "A seal.")


@pytest.mark.parametrize(
    ("status", "text"),
    [
        ("(original)", "A pump."), ("(Currently Amended)", "A (new) pump."),
        ("[new]", "(a) A pump."),
        ("(Withdrawn \u2013 Currently amended)", "A pump."), ("(Previously presented):", "A pump."),
    ],
)  # fmt: skip
def test_the_status_of_a_living_claim_is_no_text(status: str, text: str) -> None:
    for number in ("1. ", "1 ", "Claim 1 ", "1) "):
        assert texts(f"{number}{status} {text}") == (text,)
    assert without_status(text) == text


@pytest.mark.parametrize(
    ("published", "text"),
    [
        ("(New) .5% solution", ".5% solution"), ("(New) .beta.-x", ".beta.-x"),
        ('(New) "Smart" pump', '"Smart" pump'), ("(Original) \u221ax", "\u221ax"),
        ("(New) -5 V supply", "-5 V supply"), ("(currently amended), B", "B"),
        ("(New). A pump", "A pump"), ("(New).A pump", "A pump"), ("(New): A", "A"),
        ("(New):A", "A"), ("(Original)A", "A"), ("(New) \u2013 A pump", "A pump"),
        ("(new)", "(new)"), ("(new).", "(new)."),
    ],
)  # fmt: skip
def test_only_the_status_and_its_stop_are_taken_off(published: str, text: str) -> None:
    assert texts(f"1. {published}") == (text,)


@pytest.mark.parametrize("text", ["5.", "5", "", " ", "Claim 5.", "(5)", "\u2014"])
def test_a_claim_of_only_a_number_is_counted(text: str) -> None:
    assert clean_claims([("", "1. A pump."), ("", text)]) == Claims(("A pump.",), empty=1)
    assert clean_claims([("", text)], deletes=True) == Claims((), cancelled=1)


def test_no_claims() -> None:
    assert clean_claims([]) == Claims((), 0, 0)


def test_claims_that_are_paragraphs() -> None:
    assert joined(["1. A pump:", "a seal.", "2. The pump."]) == [
        "1. A pump: a seal.",
        "2. The pump.",
    ]
    assert joined(["A pump.", "The pump of claim 1."]) == ["A pump.", "The pump of claim 1."]


def test_numbers_of_a_list() -> None:
    assert claim_numbers("1.-3., 5 and 7 to 9.") == (1, 2, 3, 5, 7, 8, 9)
    assert claim_numbers("CLM-00001-00002") == (1, 2)
    assert claim_numbers("9-7, 1-9999 and 123456") == (1, 7, 9, 9999)
    assert claim_numbers("xx") == ()
    assert read_notice("1. A pump.") is None


@pytest.mark.parametrize("unit", ["<?", "<!--", "<!DOCTYPE ", "<!DOCTYPE a", "<!NOTATION ", "&a;"])
def test_a_prolog_of_any_content_takes_linear_time(unit: str) -> None:
    def seconds(count: int) -> float:
        started = time.process_time()
        with suppress(DataError):
            check_prolog(b"<!DOCTYPE a [" + unit.encode() * count, Position(Path("a.xml")))
        return time.process_time() - started

    assert seconds(40_000) < 16 * seconds(10_000) + 0.1


UNITS = ("1 ", "1, 2 and ", "to ", "claims ", "1. (canceled) ", "1-2 ", "(new) ", "(", ". ", "- ",
         "canceled and ", "what is claimed is ", " ", "1. ", "(original), ",
         "1. (canceled) (2) ", "1-2. (canceled) A ", "(canceled) 2 A ")  # fmt: skip


@pytest.mark.parametrize("unit", UNITS)
def test_a_claim_of_any_content_takes_linear_time(unit: str) -> None:
    for start in ("", "1. (canceled ", "1. (", "I claim "):
        started = time.process_time()
        clean_claims([("", start + unit * 20_000 + "x")])
        assert time.process_time() - started < 2

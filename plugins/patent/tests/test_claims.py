"""Claims come through unchanged, whatever their numbering."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from domainbert import DataError
from domainbert_patent.claims import Claims, clean_claims, joined
from domainbert_patent.statuses import without_status
from domainbert_patent.stream import Position, check_prolog

STYLES = ("{n}. ", "{n} . ", "{n}.", "{n}) ", "({n}) ", "[{n}] ", "{n}.) ", "{n}: ", "{n}.- ",
          "{n} - ", "{n} \u2013 ", "{n}.\u2014", "{n}\u00ba.- ", "{n}/ ", "Claim {n}. ",
          "CLAIM {n}: ",
          "What is claimed is: {n}. ", "I claim: {n}. ", "What is claimed is {n}. ",
          "The invention claimed is: {n}. ", "Claims {n}. ",
          "{n}\uff0e ", "\uff08{n}\uff09 ", "{n} ", "")  # fmt: skip


# A digit close behind may belong to the number, unless other claims show what the number is.
NEED_LETTERS = ("{n}.\u2014", "{n} - ", "{n} \u2013 ", "{n}/ ")


NEED_A_LETTER = ("{n}.", "{n}: ", "CLAIM {n}: ")


WORDS = st.sampled_from([
    "A", "pump", "comprising:", "(a)", "a", "seal;", "as", "shown", "in", "FIG.", "1.", "1", "2.",
    "12)", "(3)", "claim", "claims", "1-3,", "wherein", "canceled", "withdrawn", "5-HT", "to",
    "and", "1,2-dichloroethane", "2.5", "mm", "3D", "the", "-", "3.", "cancelled;", "is",
    "(new)", "\u00bd", "pu\u00admp", "\uff11\uff0e", "\u200b", "\uff08canceled\uff09", "(deleted)",
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
        ("(thrice amended)", "A pump."), ("(Currently Amended.)", "A pump."),
        ("(Amended Three Times)", "A pump."), ("(Reissue)", "A pump."), ("(As filed)", "A pump."),
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
        ("(amended) (new) phone", "(new) phone"),
        ("(New). A pump", "A pump"), ("(New).A pump", "A pump"), ("(New): A", "A"),
        ("(New):A", "A"), ("(Original)A", "A"), ("(New) \u2013 A pump", "A pump"),
        ("(new)", "(new)"), ("(new).", "(new)."),
    ],
)  # fmt: skip
def test_only_the_status_and_its_stop_are_taken_off(published: str, text: str) -> None:
    assert texts(f"1. {published}") == (text,)


def test_a_number_in_wide_forms_is_the_claims_own() -> None:
    assert texts("\uff11\uff0e A pump.", "\uff082\uff09 A seal.") == ("A pump.", "A seal.")
    assert texts("\uff11\uff0e A pump.", "\uff12\uff0e \uff13D.") == ("A pump.", "\uff13D.")
    assert texts("\uff13\uff24 printer.") == ("\uff13\uff24 printer.",)


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


# So many characters take linear time some seconds; quadratic time exceeds the timeout of a test.
PROLOG, CLAIM = 4_000_000, 1_000_000


@pytest.mark.parametrize("unit", ["<?", "<!--", "<!DOCTYPE ", "<!DOCTYPE a", "<!NOTATION ", "&a;"])
def test_a_prolog_of_any_content_takes_linear_time(unit: str) -> None:
    prolog = b"<!DOCTYPE a [" + unit.encode() * (PROLOG // len(unit))
    with pytest.raises(DataError, match="expected an XML prolog before the root element"):
        check_prolog(prolog, Position(Path("a.xml")))


UNITS = ("1 ", "1, 2 and ", "to ", "claims ", "1. (canceled) ", "1-2 ", "(new) ", "(", ". ", "- ",
         "canceled and ", "what is claimed is ", " ", "1. ", "(original), ",
         "1. (canceled) (2) ", "1-2. (canceled) A ", "(canceled) 2 A ", "\uff11 ",
         "\u00ad", "a\u00ad ", "\u200b", ". . ", "1/", "1 to claim ", "1-2. (canceled in x) ",
         "1-2. canceled in x. ",
         "(once ", "once ", "amended once ", "amended 1 ", "claims 1 is ", "no ",
         "1\u00ad(canceled) ", "reissue ", "([", "canceled (x) ")  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("unit", UNITS)
def test_a_claim_of_any_content_takes_linear_time(unit: str) -> None:
    for start in ("", "1. (canceled ", "1. (", "I claim ", "1-2. canceled in ", "1 (once "):
        found = clean_claims([("", start + unit * (CLAIM // len(unit)) + "x")])
        assert len(found.texts) + found.cancelled + found.empty > 0

"""The text in force: what reissues delete and insert, in every format."""

from __future__ import annotations

import re

import pytest
from helpers.patents import PASSAGES, Made, Write, read
from hypothesis import given
from hypothesis import strategies as st

from domainbert_patent.record import Patent
from domainbert_patent.reissue import in_force

MARKS = {
    "instructions": ('<?delete-start id="REI-1" date="20180102" ?>', '<?delete-end id="REI-1" ?>',
                     "<?insert-start id='REI-2'?>", "<?insert-end id='REI-2'?>"),
    "elements": ("<DEL-S ID='D1'/>", "<DEL-E ID='D1'/>", "<INS-S/>", "<INS-E/>"),
    "long": ("<delete-start/>", "<delete-end/>", "<insert-start/>", "<insert-end/>"),
    "around": ("<del>", "</del>", "<ins>", "</ins>"),
    "sgml": ("<DEL-S ID=D1>", "<DEL-E ID=D1>", "<INS-S ID=I1>", "<INS-E ID=I1>"),
    "text": (".[.", ".].", ".Iadd.", ".Iaddend."),
}  # fmt: skip


FORMS = [
    *[(f, m) for f in PASSAGES if f != "greenbook" for m in MARKS if m != "sgml" or f == "sgml"],
    ("greenbook", "text"),
]


def without(patent: Patent, what: str) -> tuple[str, str]:
    return patent.description.replace(what, ""), " ".join(patent.claims).replace(what, "")


@pytest.mark.parametrize(("form", "mark"), FORMS)
def test_deletions_go_and_insertions_stay(made: Made, written: Write, form: str, mark: str) -> None:
    start, end, begin, finish = MARKS[mark]
    passages = PASSAGES[form]
    changes = [(p, f"{start}gone words{end}{begin}new {finish}{p}") for p in passages]
    found, plain = read(made, written, form, *changes), read(made, written, form)
    assert without(found, "new ") == without(plain, "new ")
    assert (found.description.count("new "), " ".join(found.claims).count("new ")) == (1, 1)
    assert "gone" not in found.description + "".join(found.claims)


@pytest.mark.parametrize("mark", ["instructions", "elements", "text"])
def test_a_deletion_may_cross_elements_and_take_whole_claims(
    made: Made, written: Write, mark: str
) -> None:
    start, end, begin, finish = MARKS[mark]
    opening, last = '<claims id="claims">', "red.</claim-text></claim>\n</claims>"
    third = "<claim><claim-text>{}3. New.{}</claim-text></claim>"
    if mark == "text":
        third = third.format(begin, finish)
        changes = [("1. A pump", f"{start}1. A pump"), ("mm seat.", f"mm seat.{end}")]
        changes += [("2. The pump", f"{start}2. The pump"), ("red.", f"red.{end}")]
        changes += [("</claims>", f"{third}</claims>")]
    else:
        third = begin + third.format("", "") + finish
        changes = [(opening, opening + start), (last, f"{last[:-9]}{end}{third}</claims>")]
    patent = read(made, written, "grant", *changes)
    assert (patent.claims, patent.cancelled_claims, patent.empty_claims) == (("New.",), 2, 0)


def test_a_green_book_deletion_may_cross_lines_and_claims(made: Made, written: Write) -> None:
    last = "PAR  2. The hinge of claim 1."
    patent = read(
        made,
        written,
        "greenbook",
        ("PAR  1. A hinge", "PAR  .[.1. A hinge"),
        ("PAR  H.sub.2 O", "PAR  .[.H.sub.2 O"),
        ("PAR  After.", "PAR  ends.]. After."),
        (last, f"{last}.].\nNUM  3.\nPAR  .Iadd.3. New..Iaddend."),
    )
    assert (patent.claims, patent.cancelled_claims) == (("New.",), 2)
    assert patent.description == "BACKGROUND\nAfter."


def crossing(made: Made, form: str, *claims: str) -> tuple[str, str]:
    """Return the claims of a fixture as they are, and with others in their place."""
    path, one = {
        "grant": ("claims", "<claim><claim-text>{}</claim-text></claim>"),
        "application": ("claims", "<claim><claim-text>{}</claim-text></claim>"),
        "pap": ("subdoc-claims", "<claim><claim-text>{}</claim-text></claim>"),
        "patdoc": ("SDOCL", "<CL><CLM><PARA><PTEXT><PDAT>{}</PDAT></PTEXT></PARA></CLM></CL>"),
        "marec": ("claims", "<p>{}</p>"),
    }[form]
    found = list(re.finditer(rf"<{path}\b[^>]*>(.*?)</{path}>", made[form], re.DOTALL))[-1]
    return found[1], "".join(map(one.format, claims))


@pytest.mark.parametrize("form", ["grant", "application", "pap", "patdoc", "marec"])
def test_stops_and_brackets_may_cross_claims(made: Made, written: Write, form: str) -> None:
    change = crossing(made, form, ".[.1. A pump.", "2. B.].", "3. C")
    patent = read(made, written, form, change)
    assert (patent.claims, patent.cancelled_claims, patent.empty_claims) == (("C",), 2, 0)


def test_a_deleted_paragraph_of_a_claim_is_no_claim(made: Made, written: Write) -> None:
    change = crossing(made, "marec", "1. A pump:", ".[.a seal;.].", "a lid.", ".[.2. B.].")
    patent = read(made, written, "marec", change)
    assert (patent.claims, patent.cancelled_claims) == (("A pump: a lid.",), 1)


def test_stops_and_brackets_may_cross_paragraphs(made: Made, written: Write) -> None:
    old = made["grant"][made["grant"].index("<description") :].split("</description>")[0]
    new = '<description id="d"><p>One .[.two.</p><p>Three.</p><p>Four.]. five.</p>'
    assert read(made, written, "grant", (old, new)).description == "One\nfive."


def test_a_green_book_deletion_without_an_end_leaves_no_mark(made: Made, written: Write) -> None:
    change = ("PAR  1. A hinge", "PAR  .[.1. A hinge")
    found, plain = read(made, written, "greenbook", change), read(made, written, "greenbook")
    assert (found.claims, found.cancelled_claims) == (plain.claims, 0)


def test_nested_deletions_and_insertions_within_them(made: Made, written: Write) -> None:
    marked = "a <?delete-start id='1'?>b <?insert-start?>c<?insert-end?> <?delete-start id='2'?>d"
    marked += "<?delete-end id='2'?> e<?delete-end id='1'?>f"
    patent = read(made, written, "grant", ("BACKGROUND", marked))
    assert patent.description.startswith("a f\n")


@pytest.mark.parametrize("mark", ["<?delete-start id='1'?>", "<?delete-end?>", "<DEL-S/>"])
def test_a_deletion_without_an_end_deletes_nothing(made: Made, written: Write, mark: str) -> None:
    patent, plain = (
        read(made, written, "grant", ("BACK", mark + "BACK")),
        read(made, written, "grant"),
    )
    assert (patent.description, patent.claims) == (plain.description, plain.claims)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (".[.A seal..]. .Iadd.1. Two seals..Iaddend.", "1. Two seals."),
        ("one .[.a.]. b .[.c.]. d", "one b d"),
        ("one .[.a .[.b.]. c.]. d", "one d"),
        ("one.].[.a.]. d", "one d"),
        ("a .[. b", "a b"),
        (".[.1. A pump", "1. A pump"),
        ("a .[. b .[.c.]. d", "a b d"),
        (".[.a.]. b.]. c", "b c"),
        (".[.a.]. [J. Chem. Soc.]. c", "[J. Chem. Soc.]. c"),
        ("plain  text", "plain  text"),
        (".IADD.a.IADDEND.", "a"),
        ("x .[.a\nb.]. y", "x\ny"),
    ],
)
def test_marks_of_the_green_book(text: str, expected: str) -> None:
    assert in_force(text) == expected


@given(
    st.lists(st.sampled_from(["a", "b ", ".[.", ".].", ".Iadd.", ".Iaddend.", "\n"]), max_size=20)
)
def test_lines_stay_and_no_mark_of_an_insertion_does(parts: list[str]) -> None:
    found = in_force("".join(parts))
    assert found.count("\n") == parts.count("\n")
    assert ".Iadd" not in found
    assert sum(map(found.count, "ab")) <= sum(part[0] in "ab" for part in parts)

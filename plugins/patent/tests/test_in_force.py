"""The text in force: what reissues delete and insert, in every format; European claims."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domainbert_patent.reading import read_patents
from domainbert_patent.record import Patent
from domainbert_patent.reissue import in_force

Write = Callable[..., Path]
Made = dict[str, str]

# Per format: a passage of the description and one of a claim, as the fixtures have them.
PASSAGES = {
    "grant": ("BACKGROUND", "a valve; and"), "application": ("It clips.", "A clip.</claim-text>"),
    "pap": ("FIELD", "A lamp.</claim-text>"), "patdoc": ("It adds.", "of bits."),
    "sgml": ("It adds.", "of bits."), "marec": ("Reifen rollen.", "A tyre."),
    "ep": ("Il montre.", "Écran.</claim-text>"), "greenbook": ("After.", "b. a leaf."),
}  # fmt: skip
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


def read(made: Made, written: Write, form: str, *changes: tuple[str, str]) -> Patent:
    text = made[form]
    for old, new in changes:
        assert text.count(old) >= 1, old
        text = text.replace(old, new, 1)
    (patent,) = read_patents(written(text))
    return patent


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


NUMBERED = {  # where the fixtures have the text of the last claim, number included
    "grant": ("2. The pump of", "red."), "application": ("4. A clip.", ""),
    "patdoc": ("1. An adder:", "of bits."), "sgml": ("1. An adder:", "of bits."),
    "marec": ("A tyre.", ""), "ep": ("Écran.</claim-text>", ""),
    "greenbook": ("2. The hinge of claim 1.", ""),
    "pap": ("<highlight><bold>1</bold></highlight>. A lamp.", ""),
}  # fmt: skip
STYLES = ("{n}. ", "{n} . ", "{n}.", "{n}) ", "({n}) ", "{n}: ", "{n}.- ", "Claim {n}. ", "")
TEXTS = ("The design, as shown in FIG. 1.", "Pump of claims 1. and 2., cancelled by 3.")


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("form", NUMBERED)
def test_claims_come_through_in_every_format(
    made: Made, written: Write, form: str, style: str, text: str
) -> None:
    old, more = NUMBERED[form]
    number = 2 if form in {"grant", "greenbook"} else 4 if form == "application" else 1
    end = "</claim-text>" if old.endswith("</claim-text>") else ""
    patent = read(made, written, form, (old, f"{style.format(n=number)}{text}{end}"))
    place = 0 if form == "pap" else -1
    assert patent.claims[place].startswith(text)
    assert (patent.claims[place] == text) == (not more)


# --- European claims ----------------------------------------------------------------------------

LANGUAGES = "".join(
    f'<claims id="{c}" lang="{c}"><claim id="c-{c}-1" num="0001"><claim-text>{number}{text}'
    f"<claim-text>{more}</claim-text></claim-text></claim></claims>"
    for c, number, text, more in (
        ("de", "1. ", "Schirm,", "rot."), ("en", "1. ", "A screen,", "red."),
        ("fr", "", "Écran,", "rouge."),
    )
)  # fmt: skip
FRENCH = '<claims id="c1" lang="fr"><claim id="x"><claim-text>Écran.</claim-text></claim></claims>'


def test_claims_of_three_languages(made: Made, written: Write) -> None:
    patent = read(made, written, "ep", (FRENCH, LANGUAGES))
    assert (patent.claims, patent.language) == (("A screen, red.",), "en")


def test_claims_in_the_language_of_the_document_without_english(made: Made, written: Write) -> None:
    others = LANGUAGES.replace('lang="en"', 'lang="it"')
    assert read(made, written, "ep", (FRENCH, others)).claims == ("Écran, rouge.",)


def test_claims_for_other_states_are_not_added(made: Made, written: Write) -> None:
    two = FRENCH + FRENCH.replace("Écran.", "Autre.").replace(
        "<claim ", "<heading>ES</heading><claim "
    )
    assert read(made, written, "ep", (FRENCH, two)).claims == ("Écran.",)


def test_amended_claims_replace_those_that_were_filed(made: Made, written: Write) -> None:
    amended = (
        '<amended-claims lang="fr"><heading>Revendications modifiées</heading><claim num="0001">'
        "<claim-text>1. Écran plat.</claim-text></claim></amended-claims>"
    )
    assert read(made, written, "ep", (FRENCH, FRENCH + amended)).claims == ("Écran plat.",)


@pytest.mark.parametrize("num", ["xx", "1", "0001", ""])
def test_numbers_of_marec(made: Made, written: Write, num: str) -> None:
    for text in ("1. A tyre.", "A tyre.", "1.A tyre."):
        patent = read(
            made,
            written,
            "marec",
            ("A tyre.", text),
            ('EN"><claim num="1"', f'EN"><claim num="{num}"'),
        )
        assert patent.claims == ("A tyre.",)


def test_claims_without_an_element_each(made: Made, written: Write) -> None:
    loose = '<claims lang="EN"><p>1. A tyre:</p><p>a rim.</p><p>2. The tyre.</p></claims>'
    old = '<claims lang="EN"><claim num="1"><claim-text>A tyre.</claim-text></claim></claims>'
    assert read(made, written, "marec", (old, loose)).claims == ("A tyre: a rim.", "The tyre.")


# --- documents without claims, claims of only a number, cancelled ones ----------------------------


@pytest.mark.parametrize("form", [form for form in PASSAGES if form != "greenbook"])
def test_a_document_without_claims(made: Made, written: Write, form: str) -> None:
    text = re.sub(r"<(claims|subdoc-claims|SDOCL)\b.*</\1>", "", made[form], flags=re.DOTALL)
    assert text != made[form]
    (patent,) = read_patents(written(text))
    assert (patent.claims, patent.cancelled_claims, patent.empty_claims) == ((), 0, 0)


def test_a_green_book_patent_without_claims(made: Made, written: Write) -> None:
    text = made["greenbook"].split("CLMS\n")[0].replace("NCL  2\n", "")
    (patent,) = read_patents(written(text, "a.txt"))
    assert (patent.claims, patent.empty_claims) == ((), 0)


@pytest.mark.parametrize("form", PASSAGES)
@pytest.mark.parametrize(
    ("text", "counts"), [("7.", (0, 1)), ("7.-9. (canceled)", (3, 0)), ("(cancelled)", (1, 0))]
)
def test_claims_without_text_are_counted_in_every_format(
    made: Made, written: Write, form: str, text: str, counts: tuple[int, int]
) -> None:
    plain = read(made, written, form)
    more = {
        "patdoc": f'<CLM ID="CLM-7"><PARA><PTEXT><PDAT>{text}</PDAT></PTEXT></PARA></CLM></CL>',
        "sgml": f"<CLM ID=CLM-7><PARA><PTEXT><PDAT>{text}</PDAT></PTEXT></PARA></CLM></CL>",
        "pap": f'<claim id="CLM-7"><claim-text>{text}</claim-text></claim></subdoc-claims>',
        "greenbook": f"NUM  7.\nPAR  {text}\n",
    }.get(form, f"<claim><claim-text>{text}</claim-text></claim></claims>")
    end = {"patdoc": "</CL>", "sgml": "</CL>", "pap": "</subdoc-claims>"}.get(form, "</claims>")
    head, _, tail = (made[form] + end * (form == "greenbook")).rpartition(end)
    if form == "marec":  # the last ones there are English
        assert 'lang="EN"' in head[-200:]
    (found,) = read_patents(written(head + more + tail))
    assert found.claims == plain.claims
    assert found.cancelled_claims - plain.cancelled_claims == counts[0]
    assert found.empty_claims - plain.empty_claims == counts[1]


def test_green_book_claims_without_numbers_of_their_own(made: Made, written: Write) -> None:
    text = made["greenbook"].replace("NUM  1.\n", "").replace("NUM  2.\n", "")
    (patent,) = read_patents(written(text, "a.txt"))
    assert patent.claims == (
        "A hinge comprising: a. a pin; and b. a leaf.", "The hinge of claim 1.",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("form", "old", "odd"),
    [
        ("grant", "<section>F</section>", "<section>X</section>"), ("pap", "H01J001/62", "99-14"),
        ("application", "A61B005/00", "A6 B005/00"), ("patdoc", "G06F  728", "1402"),
        ("sgml", "G06F  728", "1402"), ("greenbook", "B60R  900", "D2106"),
        ("ep", "G06F   3/048 ", "Q06F   3/048 "),
        ("marec", "B60C  15/00        20060101A", "060C  15/00        20060101A"),
    ],
)  # fmt: skip
def test_a_malformed_symbol_is_kept_apart_in_every_format(
    made: Made, written: Write, form: str, old: str, odd: str
) -> None:
    plain, found = read(made, written, form), read(made, written, form, (old, odd))
    assert plain.other_symbols == ()
    assert len(found.other_symbols) == 1
    assert len(found.codes) == len(plain.codes) - (form != "marec")

"""Claims in every format: numbers, languages, missing texts."""

from __future__ import annotations

import re

import pytest
from helpers.patents import PASSAGES, Made, Write, read

from domainbert_patent.reading import read_patents

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

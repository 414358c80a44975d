from __future__ import annotations

import pytest

from domainbert import Document
from domainbert.corpus.steps import find_steps, run_steps
from domainbert.pipeline.choose import load_registry


def cleaned(text: str) -> tuple[str, dict[str, int]]:
    load_registry(())
    counts: dict = {}
    steps = find_steps(["legal-boilerplate"])
    (found,) = run_steps([Document("1", text, "a:1")], steps, counts)
    return found.text, counts["legal-boilerplate"].reasons


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("[Signature page follows]", "signature_pages"),
        ("[SIGNATURE PAGES TO CREDIT AGREEMENT]", "signature_pages"),
        ("Signature Page to the Credit Agreement of Tarn Holdings", "signature_pages"),
        ("Signature page to follow", "signature_pages"),
        ("SIGNATURES FOLLOW ON NEXT PAGE", "signature_pages"),
        ("(Remainder of page intentionally left blank)", "signature_pages"),
        ("[The remainder of this page is intentionally left blank.]", "signature_pages"),
        ("Case 1:19-cv-01234-ABC Document 45 Filed 03/02/20 Page 1 of 12", "docket_stamps"),
        (
            "Case 2:07-cv-00001-XY   Document 9   Filed 01/02/2008   Page 3 of 9 PageID #: 77",
            "docket_stamps",
        ),
        ("USCA4 Appeal: 21-1234      Doc: 5      Filed: 06/01/2021      Pg: 1 of 3",
         "docket_stamps"),
        ("Case: 19-55555, 05/06/2020, ID: 11683000, DktEntry: 45-1, Page 1 of 20",
         "docket_stamps"),
        ("Source: TARN HOLDINGS, INC., 10-Q, 5/20/2014", "source_lines"),
        ("L 119/32 EN Official Journal of the European Union 4.5.2016", "journal_headers"),
        ("EN L 119/33", "journal_headers"),
        ("Page 3 of 12", "page_headers"),
        ("- 14 -", "page_headers"),
        ("217", "page_headers"),
        ("Table of Contents", "page_headers"),
        ("Slip Opinion at 4", "page_headers"),
        ("Slip Opinion", "page_headers"),
        ("Slip Op. No. 2014-Tarn-1234, page 3 of 12", "page_headers"),
    ],
)  # fmt: skip
def test_lines_that_nobody_wrote_are_taken_out_and_counted(line: str, name: str) -> None:
    assert cleaned(f"Rent is due.\n{line}\nIt is paid.") == ("Rent is due.\nIt is paid.", {name: 1})
    assert cleaned(f"Rent is due.\n{line}") == ("Rent is due.", {name: 1})


@pytest.mark.parametrize(
    ("text", "joined"),
    [
        ("under 17 U.S.C.\n§ 107 it is", "under 17 U.S.C. § 107 it is"),
        ("see 410 U.S.\n113 (1973)", "see 410 U.S. 113 (1973)"),
        ("see 9 F. Supp. 3d\n12", "see 9 F. Supp. 3d 12"),
        ("45 C.F.R.\n164.502(a)", "45 C.F.R. 164.502(a)"),
        ("by Art.\n5(1)(a) of it", "by Art. 5(1)(a) of it"),
        ("in §\n1983 cases", "in § 1983 cases"),
        ("under Section\n7.03(e) and", "under Section 7.03(e) and"),
    ],
)
def test_citations_cut_by_a_line_are_joined(text: str, joined: str) -> None:
    assert cleaned(text) == (joined, {"broken_citations": 1})


@pytest.mark.parametrize(
    "text",
    [
        "Fair use is in 17 U.S.C. § 107, and 410 U.S. 113 (1973) is older.",
        "Art. 5(1)(a)\nArt. 6",
        "The signature page follows the schedules of the lease.",
        "signature to be notarized by a public officer",
        "SIGNATURE PAGE TO BE NOTARIZED BY A PUBLIC OFFICER",
        "(signature to be notarized by a public officer)",
        "Signatures to Exhibit B must be witnessed",
        "signature pages follow the schedules of the lease",
        "Slip opinion is what we call it",
        "slip opinion of 4 pages is enough",
        "slip op. at 4.",
        "Case 4 of the tribunal was filed on page 3 of the list.",
        "1. Definitions\n2. Term\n3. Rent",
        "The Official Journal prints each act once.",
        "Section",
        "1 Short title\n2 Commencement\n3 Extent",
    ],
)
def test_words_of_authors_stay(text: str) -> None:
    assert cleaned(text) == (text, {})


def test_line_numbers_of_pleading_paper_are_taken_out() -> None:
    lines = [f"words of line {n}" for n in range(1, 29)]
    page = "\n".join(f"{n:2}   {line}" for n, line in enumerate(lines, 1))
    both = f"{page}\n{page}"
    assert cleaned(both) == ("\n".join([*lines, *lines]), {"line_numbers": 56})


def test_a_short_run_of_numbers_stays() -> None:
    text = "\n".join(f"{n} words" for n in range(1, 10))
    assert cleaned(text) == (text, {})


def test_a_run_that_does_not_begin_at_one_stays() -> None:
    text = "\n".join(f"{n} words" for n in range(2, 20))
    assert cleaned(text) == (text, {})


def test_one_citation_of_many_lines_takes_linear_time() -> None:
    text = "no citation here. " * 200_000
    assert cleaned(text)[1] == {}

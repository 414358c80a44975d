"""Tasks of LexGLUE (Chalkidis et al. 2022) on the hub, at the commit that has them as Parquet.

Numbers of records are those that the data set's card declares for each configuration.
"""

from __future__ import annotations

from typing import Any

from domainbert import HubData, Task

ID = "coastalcph/lex_glue"
REVISION = "c23fdff1a6bf74e0e1a71cb86f1e781d37da888c"
"""Commit "Convert dataset to Parquet (#5)"; before it the data set was a script."""

_CITATION = (
    "Ilias Chalkidis, Abhik Jana, Dirk Hartung, Michael Bommarito, Ion Androutsopoulos, Daniel "
    "Katz and Nikolaos Aletras. LexGLUE: A benchmark dataset for legal language understanding in "
    "English. Proceedings of ACL 2022, 4310-4330."
)
LEDGAR = (
    "Adjustments", "Agreements", "Amendments", "Anti-Corruption Laws", "Applicable Laws",
    "Approvals", "Arbitration", "Assignments", "Assigns", "Authority", "Authorizations",
    "Base Salary", "Benefits", "Binding Effects", "Books", "Brokers", "Capitalization",
    "Change In Control", "Closings", "Compliance With Laws", "Confidentiality",
    "Consent To Jurisdiction", "Consents", "Construction", "Cooperation", "Costs", "Counterparts",
    "Death", "Defined Terms", "Definitions", "Disability", "Disclosures", "Duties",
    "Effective Dates", "Effectiveness", "Employment", "Enforceability", "Enforcements",
    "Entire Agreements", "Erisa", "Existence", "Expenses", "Fees", "Financial Statements",
    "Forfeitures", "Further Assurances", "General", "Governing Laws", "Headings",
    "Indemnifications", "Indemnity", "Insurances", "Integration", "Intellectual Property",
    "Interests", "Interpretations", "Jurisdictions", "Liens", "Litigations", "Miscellaneous",
    "Modifications", "No Conflicts", "No Defaults", "No Waivers", "Non-Disparagement", "Notices",
    "Organizations", "Participations", "Payments", "Positions", "Powers", "Publicity",
    "Qualifications", "Records", "Releases", "Remedies", "Representations", "Sales", "Sanctions",
    "Severability", "Solvency", "Specific Performance", "Submission To Jurisdiction",
    "Subsidiaries", "Successors", "Survival", "Tax Withholdings", "Taxes", "Terminations", "Terms",
    "Titles", "Transactions With Affiliates", "Use Of Proceeds", "Vacations", "Venues", "Vesting",
    "Waiver Of Jury Trials", "Waivers", "Warranties", "Withholdings",
)  # fmt: skip
UNFAIR_TOS = (
    "Limitation of liability", "Unilateral termination", "Unilateral change", "Content removal",
    "Contract by using", "Choice of law", "Jurisdiction", "Arbitration",
)  # fmt: skip
SCOTUS = tuple(map(str, range(1, 14)))
"""Issue areas by the numbers of the Supreme Court Database, such as 1 for criminal procedure."""


def _task(config: str, records: tuple[int, int, int], **about: Any) -> Task:
    splits = ("train", "validation", "test")
    return Task(
        licence="CC BY 4.0, as LexGLUE's card says; see there for the sources of each set",
        origin="https://huggingface.co/datasets/coastalcph/lex_glue",
        version="1",
        splits={
            split: HubData(ID, split=split, revision=REVISION, config=config) for split in splits
        },
        counts={split: {"records": count} for split, count in zip(splits, records, strict=True)},
        citation=_CITATION,
        **about,
    )


TASKS = (
    _task(
        "ledgar",
        (60000, 10000, 10000),
        name="ledgar",
        title="LEDGAR (LexGLUE): the theme of a provision of a contract, 100 classes",
        kind="classification",
        labels=LEDGAR,
    ),
    _task(
        "eurlex",
        (55000, 5000, 5000),
        name="eurlex",
        title="EUR-LEX (LexGLUE): EuroVoc concepts of an EU act, 100 classes, several each",
        kind="classification",
        labels=(),
        multi_label=True,
        columns={"label": "labels"},
        notes="Labels are EuroVoc ids, those of the training split.",
    ),
    _task(
        "case_hold",
        (45000, 3900, 3600),
        name="case-hold",
        title="CaseHOLD (LexGLUE): which of five holdings a citing court states",
        kind="multiple-choice",
        labels=(),
        columns={"text": "context", "choices": "endings"},
    ),
    _task(
        "scotus",
        (5000, 1400, 1400),
        name="scotus",
        title="SCOTUS (LexGLUE): the issue area of an opinion, 13 classes",
        kind="classification",
        labels=SCOTUS,
    ),
    _task(
        "unfair_tos",
        (5532, 2275, 1607),
        name="unfair-tos",
        title="UNFAIR-ToS (LexGLUE): kinds of unfair terms in a sentence, none or several",
        kind="classification",
        labels=UNFAIR_TOS,
        multi_label=True,
        columns={"label": "labels"},
    ),
)
"""The declared tasks. ECtHR is left out: its texts are lists of paragraphs."""

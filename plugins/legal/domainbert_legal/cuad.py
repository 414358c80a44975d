"""Read clauses with their categories from CUAD's `master_clauses.csv`.

The file has a row per contract: its file name, then clauses and an answer for each of 41
categories, in two columns. A cell of clauses is a list as Python prints it, `['…', "…"]`. It is
parsed here, and no code is evaluated.

CUAD's span questions are in other files; see `cuad_questions`.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from domainbert import DataError, Example
from domainbert.readers import read_rows
from domainbert_legal.files import one_line
from domainbert_legal.shares import split_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILE = "Filename"
METADATA = ("Document Name", "Parties", "Agreement Date", "Effective Date")
"""Categories that are left out: their texts are names and dates, not clauses."""
LABELS = (
    "Expiration Date", "Renewal Term", "Notice Period To Terminate Renewal", "Governing Law",
    "Most Favored Nation", "Competitive Restriction Exception", "Non-Compete", "Exclusivity",
    "No-Solicit Of Customers", "No-Solicit Of Employees", "Non-Disparagement",
    "Termination For Convenience", "Rofr/Rofo/Rofn", "Change Of Control", "Anti-Assignment",
    "Revenue/Profit Sharing", "Price Restrictions", "Minimum Commitment", "Volume Restriction",
    "Ip Ownership Assignment", "Joint Ip Ownership", "License Grant", "Non-Transferable License",
    "Affiliate License-Licensor", "Affiliate License-Licensee",
    "Unlimited/All-You-Can-Eat-License", "Irrevocable Or Perpetual License", "Source Code Escrow",
    "Post-Termination Services", "Audit Rights", "Uncapped Liability", "Cap On Liability",
    "Liquidated Damages", "Warranty Duration", "Insurance", "Covenant Not To Sue",
    "Third Party Beneficiary",
)  # fmt: skip
"""The 37 categories of clauses, by the names of their columns and in their order."""

MAX_CELL = 1 << 20
"""Characters of a cell at most; the longest of the published file are some tens of thousands."""

_STRING = r"""'(?:[^'\\\n]|\\[^\n])*'|"(?:[^"\\\n]|\\[^\n])*\""""
_PART = re.compile(r"(?:[ _-]*part)?[ _-]*\d*(?:\.pdf)?$")
_STRINGS = re.compile(_STRING)
_LIST = re.compile(rf"\[\s*(?:(?:{_STRING})(?:\s*,\s*(?:{_STRING}))*)?\s*\]")


def read_clauses(path: Path, split: str) -> Iterator[Example]:
    """Yield the clauses of the contracts of a split, each with its categories.

    White space is folded. A clause that stands under several categories of one contract is one
    example with all of them, in the order of `LABELS`. The file has no splits: the hash of a
    contract's name assigns it, with all its clauses, to one. Parts of a contract stay together.

    Args:
        path: The file `master_clauses.csv`; the order of its columns does not matter.
        split: `train`, `validation` or `test`.

    Raises:
        DataError: The file cannot be read, is no such table, lacks a column, names a contract
            twice, or a cell is no list of texts.
    """
    lines: dict[str, int] = {}
    for number, row in read_rows(path, (FILE, *LABELS)):
        name = str(row[FILE])
        if not name.strip():
            raise DataError(f"{path}:{number}: a row without `{FILE}`.")
        if name in lines:
            where = f"{path}:{number}"
            raise DataError(f"{where}: {name!r} is the contract of line {lines[name]} too.")
        lines[name] = number
        if split_of(whole_name(name)) != split:
            continue
        found: dict[str, list[str]] = {}
        for label in LABELS:
            for clause in clauses_of(str(row[label]), f"{path}:{number}: {label}"):
                found.setdefault(clause, []).append(label)
        for clause, labels in found.items():
            yield Example(clause, tuple(dict.fromkeys(labels)), name)


def whole_name(name: str) -> str:
    """Return the name of the contract of a file, without the number of a part, in lower case.

    Some contracts are several files, as `…AGREEMENT_Part1.pdf` and `…Agreement2.pdf`.
    """
    return _PART.sub("", name.casefold().strip())


def clauses_of(cell: str, where: str) -> list[str]:
    """Return the clauses of a cell, white space folded; those without text are left out.

    Args:
        cell: A list of texts as Python prints it.
        where: Its place, for the message.

    Raises:
        DataError: It is anything else, or longer than `MAX_CELL`.
    """
    if len(cell) > MAX_CELL:
        raise DataError(f"{where}: a cell of {len(cell):,} characters, expected {MAX_CELL:,}.")
    if not _LIST.fullmatch(cell.strip()):
        raise DataError(
            f"{where}: expected a list of texts such as ['one', 'two'], found {_around(cell)!r}. "
            "Was the table saved by another program? Take the published file."
        )
    try:
        texts = [str(ast.literal_eval(match[0])) for match in _STRINGS.finditer(cell)]
    except (SyntaxError, ValueError) as error:  # an escape that is none, as \x and no digits
        raise DataError(f"{where}: a text of the list cannot be read: {error}.") from None
    return [text for text in map(one_line, texts) if text]


def _around(cell: str) -> str:
    """Return the start and the end of a cell."""
    return cell if len(cell) <= 80 else f"{cell[:40]} … {cell[-40:]}"

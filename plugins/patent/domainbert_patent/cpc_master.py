"""The CPC master classification file: which CPC symbols each US patent has today.

Codes printed on a patent are those of its day; this file, published for all of them and brought up
to date each month, gives one version for all. It is one XML document of several gigabytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from domainbert.readers import XmlFormat, read_chunks, xml_elements
from domainbert_patent.record import patent_id
from domainbert_patent.stream import Position
from domainbert_patent.symbols import Code, code, sorted_out
from domainbert_patent.tree import text_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FORMAT = XmlFormat(
    "a CPC master file", ("CPCMasterClassificationFile",), "record",
    ("CPCMasterClassificationRecord",), "the USPTO",
)  # fmt: skip


@dataclass(frozen=True)
class Classified:
    """What the master file says of one patent or application.

    Args:
        id: As `Patent.id`, to join the two.
        date: Date of grant or publication, `2016-07-26`.
        codes: Its CPC symbols, the main one first.
        other_symbols: Texts in the fields for symbols that are none.
    """

    id: str
    date: str
    codes: tuple[Code, ...]
    other_symbols: tuple[str, ...] = ()


def read_cpc_master(path: Path) -> Iterator[Classified]:
    """Yield the records of a CPC master classification file, one in memory at a time.

    Args:
        path: The XML file, plain or `.gz`.

    Raises:
        DataError: The file is missing, no such file, damaged, cut short or not well-formed, or its
            DOCTYPE declares something.
    """
    at = Position(path)
    for element in xml_elements(read_chunks(path), _FORMAT, at.error):
        at.number += 1
        yield _classified(element, at)


def _classified(record: Any, at: Position) -> Classified:
    grant = record.find("{*}PatentGrantIdentification")
    if grant is not None:
        names = ("PatentNumber", "GrantDate")
    else:
        grant = record.find("{*}PatentPublicationIdentification")
        names = ("PublicationNumber", "PublicationDate")
    number = "" if grant is None else text_of(grant, f"{{*}}{names[0]}")
    if not number:
        raise at.error("neither a grant's nor a publication's number")
    codes, others = sorted_out(_codes(record))
    return Classified(
        id=patent_id(
            text_of(grant, "{*}IPOfficeCode"), number, text_of(grant, "{*}PatentDocumentKindCode")
        ),
        date=text_of(grant, f"{{*}}{names[1]}"),
        codes=codes,
        other_symbols=others,
    )


def _codes(record: Any) -> Iterator[Code | str]:
    names = ("CPCSection", "Class", "Subclass", "MainGroup")
    for element in record.iter("{*}CPCClassification"):
        symbol = "".join(text_of(element, f"{{*}}{name}") for name in names)
        version = text_of(element, "{*}ClassificationVersionDate")
        yield code("CPC", f"{symbol}/{text_of(element, '{*}Subgroup')}", version)

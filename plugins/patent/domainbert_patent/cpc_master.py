"""The CPC master classification file: which CPC symbols each US patent has today.

Codes printed on a patent are those of its day; this file, published for all of them and brought up
to date each month, gives one version for all. It is one XML document of several gigabytes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from domainbert.readers import read_chunks
from domainbert_patent.record import patent_id
from domainbert_patent.stream import MAX_RECORD_BYTES, Position, check_prolog
from domainbert_patent.symbols import Code, code, sorted_out
from domainbert_patent.tree import text_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_RECORD = "{*}CPCMasterClassificationRecord"
_ROOT = re.compile(rb"<(?:[A-Za-z_][\w.-]*:)?CPCMasterClassificationFile[\s>]")


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
    from lxml import etree

    at = Position(path)
    parser = etree.XMLPullParser(
        events=("end",), tag=_RECORD, resolve_entities=False, no_network=True, load_dtd=False,
        huge_tree=False, remove_comments=True, remove_pis=True,
    )  # fmt: skip
    held = 0
    try:
        for chunk in _after_prolog(at):
            parser.feed(chunk)
            # An entity that is not declared raises nothing in a pull parser.
            for entry in parser.feed_error_log:
                raise at.error(f"not well-formed after this record: {entry.message}")
            held += len(chunk)
            for _, element in parser.read_events():
                at.number += 1
                yield _classified(element, at)
                _free(element)
                held = 0
            if held > MAX_RECORD_BYTES:
                raise at.error(f"no record ends within {MAX_RECORD_BYTES >> 20} MiB after it")
        parser.close()
    except etree.XMLSyntaxError as error:
        said = " ".join(str(error.msg).split())
        raise at.error(f"not well-formed, or cut short, after this record: {said}") from None


def _after_prolog(at: Position) -> Iterator[bytes]:
    """Yield the data from the root element on, after a check of what stands before it."""
    start, checked = b"", False
    for chunk in read_chunks(at.path):
        if checked:
            yield chunk
            continue
        start += chunk
        root = _ROOT.search(start)
        if root is None and len(start) > 1 << 20:
            break
        if root is not None:
            check_prolog(start[: root.start()].removeprefix(b"\xef\xbb\xbf"), at)
            checked = True
            yield start[root.start() :]
    if not checked:
        raise at.error("no CPC master file", "Expected a CPCMasterClassificationFile element.")


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


def _free(element: Any) -> None:
    element.clear(keep_tail=True)
    while element.getprevious() is not None:
        del element.getparent()[0]

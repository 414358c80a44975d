"""USPTO grants and applications in XML: version 4 (2005 and later) and PAP (2001 to 2004)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from domainbert_patent.claims import clean_claims
from domainbert_patent.record import Patent, iso_date, patent_id
from domainbert_patent.reissue import deletes
from domainbert_patent.symbols import Code, code, sorted_out
from domainbert_patent.tree import claims_in, paragraphs, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domainbert_patent.stream import Position

_BLOCKS = ("p", "heading")
_PAP_BLOCKS = ("paragraph", "heading")


def read_version4(root: Any, at: Position) -> Patent:
    """Return the patent of a `us-patent-grant` or `us-patent-application` element.

    Args:
        root: The element.
        at: Where it stands.

    Raises:
        DataError: It has no publication number.
    """
    bibliography = root.find("us-bibliographic-data-grant")
    if bibliography is None:
        bibliography = root.find("us-bibliographic-data-application")
    published = None if bibliography is None else bibliography.find("publication-reference")
    number = "" if published is None else text_of(published, "document-id/doc-number")
    if not number:
        raise at.error("no publication number (publication-reference/document-id/doc-number)")
    country = text_of(published, "document-id/country") or "US"
    claims = clean_claims(claims_in(root, "claims/claim"), deletes=deletes(root))
    codes, others = sorted_out(_version4_codes(bibliography))
    date, other_date = iso_date(text_of(published, "document-id/date"))
    return Patent(
        id=patent_id(country, number, text_of(published, "document-id/kind")),
        date=date,
        title=text_of(bibliography, "invention-title"),
        abstract=paragraphs(root.find("abstract"), _BLOCKS),
        description=paragraphs(root.find("description"), _BLOCKS),
        claims=claims.texts,
        codes=codes,
        language="en",
        source=at.source,
        cancelled_claims=claims.cancelled,
        empty_claims=claims.empty,
        other_symbols=others,
        other_date=other_date,
    )


def _version4_codes(bibliography: Any) -> Iterator[Code | str]:
    for element in bibliography.iterfind("classifications-cpc//classification-cpc"):
        yield from structured_code("CPC", element, "cpc-version-indicator")
    for element in bibliography.iterfind("classifications-ipcr/classification-ipcr"):
        yield from structured_code("IPC", element, "ipc-version-indicator")
    for element in bibliography.iterfind("classification-ipc"):
        edition = text_of(element, "edition")
        for name in ("main-classification", "further-classification"):
            for field in element.iterfind(name):
                yield code("IPC", field.text or "", edition)


def structured_code(scheme: str, element: Any, version: str) -> Iterator[Code | str]:
    """Yield the code of an element with a child for each part of the symbol.

    Args:
        scheme: `CPC` or `IPC`.
        element: With `section`, `class`, `subclass`, `main-group` and `subgroup`.
        version: Name of the child that holds the date of the version.
    """
    names = ("section", "class", "subclass", "main-group")
    symbol = "".join(text_of(element, name) for name in names)
    yield code(scheme, f"{symbol}/{text_of(element, 'subgroup')}", text_of(element, version))


def read_pap(root: Any, at: Position) -> Patent:
    """Return the application of a `patent-application-publication` element.

    Args:
        root: The element.
        at: Where it stands.

    Raises:
        DataError: It has no publication number.
    """
    head = "subdoc-bibliographic-information"
    number = text_of(root, f"{head}/document-id/doc-number")
    if not number:
        raise at.error(f"no publication number ({head}/document-id/doc-number)")
    claims = clean_claims(claims_in(root, "subdoc-claims/claim"), deletes=deletes(root))
    codes, others = sorted_out(_pap_codes(root.find(f"{head}/technical-information")))
    date, other_date = iso_date(text_of(root, f"{head}/document-id/document-date"))
    return Patent(
        id=patent_id("US", number, text_of(root, f"{head}/document-id/kind-code")),
        date=date,
        title=text_of(root, f"{head}/technical-information/title-of-invention"),
        abstract=paragraphs(root.find("subdoc-abstract"), ("paragraph",)),
        description=_without_numbers(root.find("subdoc-description")),
        claims=claims.texts,
        codes=codes,
        language="en",
        source=at.source,
        cancelled_claims=claims.cancelled,
        empty_claims=claims.empty,
        other_symbols=others,
        other_date=other_date,
    )


def _without_numbers(description: Any) -> str:
    """Return the paragraphs without `<number>`, the running number that each starts with."""
    if description is not None:
        for number in description.findall(".//paragraph/number"):
            parent, tail = number.getparent(), number.tail or ""
            parent.remove(number)
            parent.text = (parent.text or "") + tail
    return paragraphs(description, _PAP_BLOCKS)


def _pap_codes(technical: Any) -> Iterator[Code | str]:
    if technical is None:
        return
    for element in technical.iterfind("classification-ipc"):
        edition = text_of(element, "classification-ipc-edition")
        for field in element.iter("ipc"):
            yield code("IPC", field.text or "", edition)

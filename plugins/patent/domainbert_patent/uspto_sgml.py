"""USPTO grants of 2001 to 2004, the `PATDOC` elements of WIPO standard ST.32.

Elements are named by numbers: `B110` is the number of the patent, `B540` its title, `B511` the main
IPC symbol; `SDOAB`, `SDODE` and `SDOCL` hold abstract, description and claims.
"""

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

_BLOCKS = ("PARA", "H")


def read_patdoc(root: Any, at: Position) -> Patent:
    """Return the patent of a `PATDOC` element.

    Args:
        root: The element.
        at: Where it stands.

    Raises:
        DataError: It has no patent number.
    """
    number = text_of(root, "SDOBI/B100/B110")
    if not number:
        raise at.error("no patent number (SDOBI/B100/B110)")
    country = text_of(root, "SDOBI/B100/B190") or "US"
    claims = clean_claims(claims_in(root, "SDOCL//CLM"), deletes=deletes(root))
    codes, others = sorted_out(_codes(root.find("SDOBI/B500/B510")))
    date, other_date = iso_date(text_of(root, "SDOBI/B100/B140"))
    return Patent(
        id=patent_id(country, number, text_of(root, "SDOBI/B100/B130")),
        date=date,
        title=text_of(root, "SDOBI/B500/B540"),
        abstract=paragraphs(root.find("SDOAB"), ("PARA",)),
        description=paragraphs(root.find("SDODE"), _BLOCKS),
        claims=claims.texts,
        codes=codes,
        language="en",
        source=at.source,
        cancelled_claims=claims.cancelled,
        empty_claims=claims.empty,
        other_symbols=others,
        other_date=other_date,
    )


def _codes(field: Any) -> Iterator[Code | str]:
    if field is None:
        return
    edition = text_of(field, "B516")
    for name in ("B511", "B512"):
        for element in field.iterfind(name):
            # Blanks count: the group stands in three columns.
            yield code("IPC", "".join(element.itertext()).strip("\r\n"), edition)

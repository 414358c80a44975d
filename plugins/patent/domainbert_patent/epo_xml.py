"""European patents: MAREC's `patent-document` and the EPO's own `ep-patent-document`.

Both may hold title, abstract and claims in several languages. English ones are taken where there
are any, else those in the language of the document, else the first.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from domainbert_patent.claims import clean_claims
from domainbert_patent.record import Patent, iso_date, patent_id
from domainbert_patent.reissue import deletes
from domainbert_patent.symbols import Code, code, sorted_out
from domainbert_patent.tree import claims_in, flat, paragraphs, text_of
from domainbert_patent.uspto_xml import structured_code

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from domainbert_patent.stream import Position

_BLOCKS = ("p", "heading")
# `B60C  15/00        20060101A I20051008RMEP`: symbol, then the date of the version.
_TEXT_CODE = re.compile(r"\s*(?P<symbol>[A-HY][0-9]{2}[A-Z]\s*[0-9]{1,4}/[0-9]{2,6})(?P<rest>.*)")
_VERSION = re.compile(r"\s*([0-9]{8})")
_SCHEMES = {
    "classification-cpc": ("CPC", "cpc-version-indicator"),
    "classification-ipcr": ("IPC", "ipc-version-indicator"),
    "classification-ipc": ("IPC", "edition"),
}


def read_marec(root: Any, at: Position) -> Patent:
    """Return the patent of a `patent-document` element.

    Args:
        root: The element.
        at: Where it stands.

    Raises:
        DataError: It has no publication number.
    """
    bibliography = root.find("bibliographic-data")
    titles = [] if bibliography is None else bibliography.findall(".//invention-title")
    return _patent(root, at, titles, () if bibliography is None else _codes(bibliography))


def read_ep(root: Any, at: Position) -> Patent:
    """Return the patent of an `ep-patent-document` element.

    `B540` has the titles as pairs of a language (`B541`) and a text (`B542`).

    Args:
        root: The element.
        at: Where it stands.

    Raises:
        DataError: It has no publication number.
    """
    titles = root.findall("SDOBI/B500/B540/B542")
    for title, language in zip(titles, root.findall("SDOBI/B500/B540/B541"), strict=False):
        title.set("lang", flat(language))
    codes = root.find("SDOBI/B500")
    return _patent(root, at, titles, () if codes is None else _codes(codes))


def _patent(root: Any, at: Position, titles: Sequence[Any], fields: Iterable[Code | str]) -> Patent:
    number = root.get("doc-number", "").strip()
    if not number:
        raise at.error(f"no publication number (attribute doc-number of {root.tag})")
    own = root.get("lang", "").lower()
    # Amended claims, as an application has them at its end, replace those that were filed.
    claims = _chosen([*root.findall("amended-claims"), *root.findall("claims")], own)
    kept = clean_claims(claims_in(claims, "claim"), deletes=deletes(root))
    description = _chosen(root.findall("description"), own)
    abstract = _chosen(root.findall("abstract"), own)
    parts = [part for part in (claims, description, abstract) if part is not None]
    languages = [_language(part) or own for part in parts]
    codes, others = sorted_out(fields)
    date, other_date = iso_date(root.get("date", "") or root.get("date-publ", ""))
    return Patent(
        id=patent_id(root.get("country", ""), number, root.get("kind", "")),
        date=date,
        title=flat(_chosen(titles, own)),
        abstract=paragraphs(abstract, _BLOCKS),
        description=paragraphs(description, _BLOCKS),
        claims=kept.texts,
        codes=codes,
        language="en" if "en" in languages else (languages or [own])[0],
        source=at.source,
        cancelled_claims=kept.cancelled,
        empty_claims=kept.empty,
        other_symbols=others,
        other_date=other_date,
    )


def _language(element: Any) -> str:
    return str(element.get("lang", "")).lower()


def _chosen(elements: Sequence[Any], own: str) -> Any:
    """Return the English element, else the one in the document's own language, else the first."""
    filled = [element for element in elements if flat(element)]
    ranked = sorted(filled, key=lambda e: (_language(e) != "en", _language(e) != own))
    return ranked[0] if ranked else None


def _codes(bibliography: Any) -> Iterator[Code | str]:
    for name, (scheme, version) in _SCHEMES.items():
        for element in bibliography.iter(name):
            if element.find("section") is not None:
                yield from structured_code(scheme, element, version)
            elif (match := _TEXT_CODE.match(flat(element))) is not None:
                dated = _VERSION.match(match["rest"])
                edition = dated[1] if dated else text_of(element, version)
                yield code(scheme, match["symbol"], edition)
            else:
                yield flat(element)

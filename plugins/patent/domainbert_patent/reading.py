"""Read patent files of any known format; the content tells which it is, not the name.

| format | years | begins with |
| --- | --- | --- |
| Green Book | grants 1976 to 2001 | lines `PATN` |
| ST.32 SGML or XML | grants 2001 to 2004 | `<PATDOC` |
| PAP | applications 2001 to 2004 | `<patent-application-publication` |
| version 4 | grants and applications since 2005 | `<us-patent-grant`, `<us-patent-application` |
| MAREC | EP, WO and US documents | `<patent-document` |
| EPO | European patents | `<ep-patent-document` |
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from domainbert import DataError
from domainbert.readers import read_chunks
from domainbert_patent.epo_xml import read_ep, read_marec
from domainbert_patent.greenbook import read_greenbook
from domainbert_patent.record import abstract_document, claims_document, whole_document
from domainbert_patent.stream import Position, xml_documents
from domainbert_patent.tree import parse
from domainbert_patent.uspto_sgml import read_patdoc
from domainbert_patent.uspto_xml import read_pap, read_version4

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from domainbert import Document
    from domainbert_patent.record import Patent

_READERS: dict[str, Callable[[Any, Position], Patent]] = {
    "us-patent-grant": read_version4,
    "us-patent-application": read_version4,
    "PATDOC": read_patdoc,
    "patent-application-publication": read_pap,
    "patent-document": read_marec,
    "ep-patent-document": read_ep,
}
# Sequence listings stand between the patents of weekly files that they belong to.
_SKIPPED = ("sequence-cwu",)
_GREENBOOK = (b"PATN", b"HHHHHT")


def read_patents(path: Path) -> Iterator[Patent]:
    """Yield the patents of a file: one document, or a weekly file of many.

    Memory does not grow with the file; one record is held at a time. Sequence listings between
    records are skipped. Names of SGML characters are replaced by the rule in `entities.py`.

    Args:
        path: A file of a format in the table above, plain or `.gz`.

    Raises:
        DataError: The file is missing, empty, of no known format, damaged or cut short; a record
            is not well-formed or has no number; or a DOCTYPE declares more than drawings. The
            message names the file, the record and the byte at which it starts.
    """
    at = Position(path)
    start = _start(path)
    if b"\0" in start[:4] or start[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        what = "no patent file of a known format: it is UTF-16"
        raise DataError(f"{path}: {what}. Convert it with `iconv -f utf-16 -t utf-8`.")
    if start.startswith(_GREENBOOK):
        yield from read_greenbook(at)
    elif start.startswith(b"<"):
        yield from _read_xml(at)
    else:
        what = f"begins with {start[:20]!r}" if start else "is empty"
        raise DataError(
            f"{path}: no patent file of a known format: it {what}. Expected XML or SGML of the "
            "USPTO or EPO in UTF-8, or Green Book text (a line `PATN`)."
        )


def _start(path: Path) -> bytes:
    start = b""
    for chunk in read_chunks(path):
        start = (start + chunk).removeprefix(b"\xef\xbb\xbf").lstrip()
        if len(start) >= 16:
            break
    return start


def _read_xml(at: Position) -> Iterator[Patent]:
    for document in xml_documents(at):
        if document.root in _READERS:
            yield _READERS[document.root](parse(document, at), at)
        elif document.root not in _SKIPPED:
            raise at.error(
                f"not a patent: its root element is {document.root[:40]!r}",
                f"Expected one of {', '.join(_READERS)}.",
            )


def read_whole(path: Path) -> Iterator[Document]:
    """Yield title, abstract, description and claims of each patent as one document.

    Args:
        path: As for `read_patents`, with the same errors.
    """
    return (whole_document(patent) for patent in read_patents(path))


def read_abstracts(path: Path) -> Iterator[Document]:
    """Yield title and abstract of each patent; empty for those without an abstract.

    Args:
        path: As for `read_patents`, with the same errors.
    """
    return (abstract_document(patent) for patent in read_patents(path))


def read_claims(path: Path) -> Iterator[Document]:
    """Yield the claims of each patent, a line each and without numbers.

    Args:
        path: As for `read_patents`, with the same errors.
    """
    return (claims_document(patent) for patent in read_patents(path))

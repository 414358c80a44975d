"""Read contracts as plain text, such as the files of CUAD's folder `full_contract_txt`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from domainbert import DataError, Document
from domainbert.readers import decode_western, read_bytes
from domainbert_legal.boilerplate import stands_alone
from domainbert_legal.files import MAX_BYTES, one_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MARKUP = re.compile(r"<(?:html|body|div|p|!doctype)\b|%PDF-|\{\\rtf", re.IGNORECASE)
_SUFFIX = re.compile(r"\.txt(?:\.\w+)?$", re.IGNORECASE)
# What begins a clause: `ARTICLE IV`, `Section 5.2`, `§ 3`, `1.`, `1.2`, `(a)`, `(iv)`, `WHEREAS`.
_CLAUSE = re.compile(
    r"(?:ARTICLE|Article|SECTION|Section|SCHEDULE|EXHIBIT|ANNEX)\s+[0-9IVXLA-Z]{1,6}\b"
    r"|§+\s*\d|\d{1,2}(?:\.\d{1,2}){1,3}\.?\s|\d{1,2}\.\s"
    r"|\((?:[a-z]{1,2}|[ivx]{1,5}|[A-Z]|\d{1,2})\)\s|WHEREAS\b|NOW,? THEREFORE\b|IN WITNESS\b"
)
# A mark at the start of a line belongs to the line before, if that ends with a word that refers.
_REFERS = re.compile(
    r"(?:\b(?:[Aa]rticles?|[Ss]ections?|[Cc]lauses?|[Pp]aragraphs?|[Ss]chedule|[Ee]xhibit|Annex"
    r"|[Ss]ubsections?|Art\.|Sec\.|No\.|of|in|under)|§|[\d)](?:,| and| or| to))$"
)


def read_contract(path: Path) -> Iterator[Document]:
    """Yield the contract of a file as one document, a paragraph or clause per line.

    Wrapped lines are joined. A blank line ends a paragraph, and so does a line that begins with the
    mark of a clause (`ARTICLE IV`, `5.2`, `(a)`, `WHEREAS`), unless the line before refers to it
    (`under Section` / `5.2`): a reference stays in one piece. A line that the step
    `legal-boilerplate` takes out stands alone.

    Args:
        path: A `.txt` file, plain or compressed; UTF-8 or Windows-1252.

    Raises:
        DataError: The file cannot be read, is no text, or is larger than 256 MiB; HTML, PDF or RTF.
    """
    text = decode_western(read_bytes(path, MAX_BYTES), str(path))
    if _MARKUP.search(text[:4096]):
        what = "HTML, PDF or RTF, expected a contract in plain text"
        raise DataError(f"{path}: {what}. Save it as text.")
    name = _SUFFIX.sub("", path.name)
    yield Document(name, "\n".join(_lines(text)), path.name)


def _lines(text: str) -> Iterator[str]:
    block: list[str] = []
    for raw in [*re.split(r"[\n\f]", text), ""]:
        line = one_line(raw)
        starts = _CLAUSE.match(f"{line} ") is not None
        alone = stands_alone(line)
        if block and (alone or not line or (starts and not _REFERS.search(block[-1]))):
            yield " ".join(block)
            block = []
        if alone:
            yield line
        elif line:
            block.append(line)

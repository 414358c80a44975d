r"""Read opinions of US courts: CourtListener (CSV, JSON) and Harvard's Caselaw Access Project.

| source | file | an opinion is |
| --- | --- | --- |
| CourtListener, bulk data | `opinions-….csv`, decompressed or .gz | a row; `\` escapes quotes |
| CourtListener, API | .json, .jsonl | an object with `plain_text` or HTML |
| Caselaw Access Project | .json, .jsonl | an item of `casebody.data.opinions` |
"""

from __future__ import annotations

import csv
import json
import sys
from typing import TYPE_CHECKING, Any

from domainbert import DataError, Document
from domainbert.readers import plain_suffix, read_bytes, read_lines, read_objects
from domainbert_legal.files import MAX_BYTES, html_lines, one_line, paragraphs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

# Of a CourtListener opinion, the first that has text: plain text, else the markup nearest to it.
_MARKUP = (
    "html_with_citations", "xml_harvard", "html_columbia", "html_lawbox", "html_anon_2020", "html",
)  # fmt: skip
_TEXTS = ("plain_text", *_MARKUP)
_FORMATS = (
    "expected opinions of CourtListener (`plain_text` or HTML) or cases of the Caselaw Access "
    "Project (`casebody`)"
)


def read_opinions(path: Path) -> Iterator[Document]:
    """Yield the opinions of a file, a paragraph per line; those without text are empty documents.

    A run counts empty documents and leaves them out. Of a case of the Caselaw Access Project each
    opinion is a document, and the head matter, which an editor wrote, is left out.

    Args:
        path: A `.csv`, `.json` or `.jsonl` file, plain or compressed.

    Raises:
        DataError: The file cannot be read, is damaged, or has neither form; with its line.
    """
    suffix = plain_suffix(path)
    if suffix == ".csv":
        yield from _csv_opinions(path)
    elif suffix == ".jsonl":
        for number, row in read_objects(path):
            yield from _opinions(row, f"{path}:{number}", f"{path.name}:{number}")
    elif suffix == ".json":
        for number, row in enumerate(_json_items(path), 1):
            yield from _opinions(row, f"{path}: item {number}", f"{path.name}#{number}")
    else:
        advice = "Decompress .bz2 and .xz files first" if suffix in {".bz2", ".xz"} else "Rename it"
        raise DataError(f"{path}: expected a .csv, .json or .jsonl file. {advice}.")


def _json_items(path: Path) -> list[Any]:
    """Return the objects of a JSON file: a list, the `results` of a page, or the one object."""
    try:
        content = json.loads(read_bytes(path, MAX_BYTES).decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        cure = "Name a file with one object per line .jsonl"
        raise DataError(f"{path}: not valid JSON: {error}. {cure}.") from None
    if isinstance(content, dict) and isinstance(content.get("results"), list):
        content = content["results"]
    return content if isinstance(content, list) else [content]


def _csv_opinions(path: Path) -> Iterator[Document]:
    """Yield the opinions of CourtListener's table, in which a backslash escapes a quote."""
    csv.field_size_limit(min(MAX_BYTES, sys.maxsize))
    lines = (line + "\n" for _, line in read_lines(path))
    rows = csv.reader(lines, escapechar="\\", strict=True)
    try:
        header = next(rows, [])
        if "id" not in header or not set(_TEXTS) & set(header):
            raise DataError(
                f"{path}:1: expected the columns `id` and one of {', '.join(_TEXTS)}; the header "
                f"names {', '.join(header[:20])[:300] or 'nothing'}."
            )
        for cells in rows:
            number = rows.line_num
            if len(cells) != len(header):
                raise DataError(
                    f"{path}:{number}: expected {len(header)} columns as in the header, found "
                    f"{len(cells)}. Download the file again."
                )
            row = dict(zip(header, cells, strict=True))
            yield from _opinions(row, f"{path}:{number}", f"{path.name}:{number}")
    except csv.Error as error:
        raise DataError(f"{path}:{rows.line_num}: not valid CSV: {error}.") from None


def _opinions(row: Any, where: str, source: str) -> Iterator[Document]:
    if not isinstance(row, dict) or "id" not in row or not {"casebody", *_TEXTS} & {*row}:
        named = ", ".join(map(str, row))[:200] if isinstance(row, dict) else type(row).__name__
        raise DataError(f"{where}: {_FORMATS}, with an `id`; found {named}.")
    if "casebody" not in row:
        yield Document(f"courtlistener:{row['id']}", "\n".join(_text_of(row)), source)
        return
    for number, opinion in enumerate(_cap_opinions(row["casebody"], where), 1):
        text = opinion.get("text") if isinstance(opinion, dict) else None
        if not isinstance(text, str):
            raise DataError(f"{where}: opinion {number} of `casebody` without `text`.")
        yield Document(f"cap:{row['id']}#{number}", "\n".join(_by_line(text)), source)


def _cap_opinions(body: Any, where: str) -> Iterable[Any]:
    """Return the opinions of a case; older exports have them one level deeper, in `data`."""
    inner = body.get("data", body) if isinstance(body, dict) else body
    opinions = inner.get("opinions") if isinstance(inner, dict) else None
    if not isinstance(opinions, list):
        raise DataError(
            f"{where}: `casebody` has no list `opinions`, or the case is not unrestricted. "
            "Download cases as JSON with their text (body_format=text)."
        )
    return opinions


def _text_of(row: Mapping[str, Any]) -> list[str]:
    plain = row.get("plain_text")
    if isinstance(plain, str) and plain.strip():
        return paragraphs(plain)
    for name in _MARKUP:
        markup = row.get(name)
        if isinstance(markup, str) and (lines := html_lines(markup)):
            return lines
    return []


def _by_line(text: str) -> list[str]:
    # These exports have one line per paragraph.
    return [line for line in map(one_line, text.split("\n")) if line]

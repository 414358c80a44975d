"""Read BioC, the interchange format of biomedical text mining, in XML and in JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from domainbert import DataError, Document
from domainbert.readers import decode, plain_suffix, read_bytes
from domainbert_bio.xml_stream import Format, Position, name_of, records

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

MAX_JSON_BYTES = 256 * 1024 * 1024
"""No more than this is held of a JSON file."""

BIOC_XML = Format(
    "BioC XML", ("collection", "document"), "document", ("document",),
    "PubMed and PubMed Central", "document",
)  # fmt: skip

# What the service for PMC articles calls references and tables; neither is prose.
_LEFT_OUT = {("type", "ref"), ("type", "table"), ("section_type", "ref")}


def read_bioc(path: Path) -> Iterator[Document]:
    """Yield one document for each document of a BioC file.

    The text has one line per passage: its `text`, else those of its sentences with a blank between
    them. A sentence without text, as a file of tokens has it, is put together from the annotations
    of the type `token`, at their offsets. References and tables of full articles (passages of the
    type `ref` or `table`) are left out. Other annotations and relations are not read.

    Memory does not grow with an XML file; a JSON file is held as a whole.

    Args:
        path: `.json` or `.jsonl` (a collection, a list of collections, the answer of PubTator 3, or
            one of these or a document per line), or else XML; plain or compressed.

    Raises:
        DataError: As of `domainbert_bio.xml_stream.records`; the JSON is not valid, larger than
            256 MiB or no BioC; or a document has no id.
    """
    found = _from_json(path) if plain_suffix(path) in {".json", ".jsonl"} else _from_xml(path)
    for name, passages in found:
        text = "\n".join(filter(None, (" ".join(passage.split()) for passage in passages)))
        yield Document(f"bioc:{name}", text, f"{path.name}#{name}")


def _from_xml(path: Path) -> Iterator[tuple[str, list[str]]]:
    at = Position(path, BIOC_XML)
    for element in records(at):
        document = _record(element)
        at.last = _id(document, at.error("a document without an id"))
        yield at.last, list(_passages(document))


def _record(element: Any) -> dict[str, Any]:
    """Return an element as BioC's JSON has it."""
    record: dict[str, Any] = {"infons": {}, "passages": [], "sentences": [], "annotations": []}
    for child in element:
        name = name_of(child)
        if name == "infon":
            record["infons"][child.get("key", "")] = child.text or ""
        elif f"{name}s" in record:
            record[f"{name}s"].append(_record(child))
        elif name == "location":
            record["locations"] = [{"offset": child.get("offset", "")}]
        else:
            record[name] = child.text or ""
    return record


def _from_json(path: Path) -> Iterator[tuple[str, list[str]]]:
    wrong = DataError(f"{path}: a document without an id.")
    for value in _values(path):
        for document in _documents(value, path):
            yield _id(document, wrong), list(_passages(document))


def _values(path: Path) -> Iterator[Any]:
    """Yield the one JSON value of a file, or one per line."""
    text = decode(read_bytes(path, MAX_JSON_BYTES).removeprefix(b"\xef\xbb\xbf"), path)
    lines = [(n, line) for n, line in enumerate(text.split("\n"), 1) if line.strip()]
    try:
        json.loads(lines[0][1] if lines else "")
    except (ValueError, RecursionError):
        lines = [(1, text)]  # its first line is no value: the file is one
    for number, line in lines:
        try:
            yield json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{path}:{number}: not valid JSON: {error}.") from None


def _documents(value: Any, path: Path) -> Iterator[dict[str, Any]]:
    """Yield the documents of a collection, of a list of them, or of an answer of PubTator 3."""
    if isinstance(value, list):
        for item in value:
            yield from _documents(item, path)
    elif isinstance(value, dict) and "passages" in value:
        yield value
    elif isinstance(value, dict) and ("documents" in value or "PubTator3" in value):
        yield from _documents(value.get("documents", value.get("PubTator3")), path)
    else:
        raise DataError(f"{path}: not BioC: expected an object with `documents` or `passages`.")


def _id(document: dict[str, Any], wrong: DataError) -> str:
    name = document.get("id", "")
    if not isinstance(name, str | int) or not str(name).strip():
        raise wrong
    return str(name).strip()


def _passages(document: dict[str, Any]) -> Iterator[str]:
    for passage in _list(document, "passages"):
        infons = passage.get("infons") or {}
        if any((key, str(value).lower()) in _LEFT_OUT for key, value in infons.items()):
            continue
        yield str(passage.get("text") or "") or " ".join(
            str(sentence.get("text") or "") or _from_tokens(_list(sentence, "annotations"))
            for sentence in _list(passage, "sentences")
        )


def _list(record: dict[str, Any], key: str) -> list[dict[str, Any]]:
    items = record.get(key) or []
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _from_tokens(annotations: Iterable[dict[str, Any]]) -> str:
    text, end = "", -1
    for annotation in annotations:
        if (annotation.get("infons") or {}).get("type") != "token":
            continue
        given = str(next(iter(_list(annotation, "locations")), {}).get("offset", ""))
        offset = int(given) if given.isdecimal() else end + 1
        token = str(annotation.get("text") or "")
        text += " " * (end >= 0 and offset > end) + token
        end = offset + len(token)
    return text

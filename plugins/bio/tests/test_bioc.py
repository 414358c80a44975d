from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers.medline import written
from hypothesis import given
from hypothesis import strategies as st

from domainbert import DataError
from domainbert_bio.bioc import _from_tokens, read_bioc

DOCUMENT = {"id": "7", "passages": [{"text": "A title."}, {"text": "Some  text."}]}


def texts(folder: Path, content: Any, name: str = "a.json") -> dict[str, str]:
    if not isinstance(content, str):
        content = json.dumps(content)
    return {found.id: found.text for found in read_bioc(written(folder, content, name))}


@pytest.mark.parametrize(
    "content",
    [
        {"documents": [DOCUMENT]},
        [{"documents": [DOCUMENT]}],
        {"PubTator3": [DOCUMENT]},
        DOCUMENT,
        [DOCUMENT],
    ],
)
def test_the_shapes_that_services_export(tmp_path: Path, content: Any) -> None:
    assert texts(tmp_path, content) == {"bioc:7": "A title.\nSome text."}
    assert texts(tmp_path, json.dumps(content, indent=1)) == {"bioc:7": "A title.\nSome text."}


@pytest.mark.parametrize("name", ["a.jsonl", "a.json"])
def test_a_document_per_line(tmp_path: Path, name: str) -> None:
    lines = "\n".join(json.dumps({**DOCUMENT, "id": number}) for number in (1, 2))
    assert list(texts(tmp_path, lines + "\n", name)) == ["bioc:1", "bioc:2"]


def test_references_and_tables_are_left_out(tmp_path: Path) -> None:
    passages = [
        {"infons": {"section_type": "INTRO", "type": "paragraph"}, "text": "One."},
        {"infons": {"section_type": "REF", "type": "ref"}, "text": "R 2001."},
        {"infons": {"section_type": "TABLE", "type": "table"}, "text": "1 2"},
        {"infons": {"section_type": "TABLE", "type": "table_caption"}, "text": "Doses."},
        {"infons": {"section_type": "RESULTS", "type": "paragraph"}, "text": "Two."},
    ]
    found = texts(tmp_path, {"documents": [{"id": "7", "passages": passages}]})
    assert found == {"bioc:7": "One.\nDoses.\nTwo."}


@given(st.lists(st.tuples(st.text("abc", min_size=1, max_size=4), st.booleans()), max_size=9))
def test_a_sentence_of_tokens_has_their_gaps(parts: list[tuple[str, bool]]) -> None:
    text, tokens = "", []
    for token, gap in parts:
        text += " " if gap and text else ""
        place = {"offset": 70 + len(text), "length": len(token)}
        tokens.append({"infons": {"type": "token"}, "text": token, "locations": [place]})
        text += token
    assert _from_tokens([*tokens, {"infons": {"type": "parse"}, "text": "no"}]) == text


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        ("{", "a.json", "a.json:1: not valid JSON"),
        ('{"a": 1}', "a.json", "expected an object with `documents` or `passages`"),
        ('{"passages": []}', "a.json", "a document without an id"),
        ("[" * 100_000, "a.json", "a.json:1: not valid JSON"),
        ('{"documents": []}\n{', "a.jsonl", "a.jsonl:2: not valid JSON"),
        ("<collection><document/></collection>", "a.xml", "a document without an id"),
        ("<article/>", "a.xml", "not BioC XML: its root element is 'article'"),
        ('<!DOCTYPE collection [<!ENTITY a "b">]><collection/>', "a.xml", "internal subset"),
    ],
)
def test_what_is_refused(tmp_path: Path, content: str, name: str, message: str) -> None:
    with pytest.raises(DataError, match=re.escape(message)):
        texts(tmp_path, content, name)


def test_json_of_more_than_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("domainbert_bio.bioc.MAX_JSON_BYTES", 10)
    with pytest.raises(DataError, match="10"):
        texts(tmp_path, {"documents": []})


def test_every_real_file_is_read(samples: Callable[[str], list[Path]]) -> None:
    counts = {}
    for path in samples("bioc"):
        raw = path.read_text("utf-8")
        ids = re.findall(r"<document>\s*<id>(\w+)<", raw)
        if path.suffix == ".json":
            ids = [document["id"] for document in json.loads(raw)["documents"]]
        found = list(read_bioc(path))
        assert [document.id for document in found] == [f"bioc:{name}" for name in ids]
        assert all(document.text for document in found)
        counts[path.name] = len(found)
    assert counts == {
        "PMID-8557975-sentences-tokens.xml": 1, "PMID-8557975-sentences.xml": 1,
        "everything.json": 2, "everything.xml": 2, "example_input.xml": 1,
    }  # fmt: skip


def test_the_forms_of_one_real_document_are_one_text(
    samples: Callable[[str], list[Path]],
) -> None:
    by_name = {path.name: [d.text for d in read_bioc(path)] for path in samples("bioc")}
    tokens = by_name["PMID-8557975-sentences-tokens.xml"]
    assert tokens == by_name["PMID-8557975-sentences.xml"]
    assert by_name["everything.json"] == by_name["everything.xml"]

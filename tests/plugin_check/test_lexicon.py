from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from domainbert import Document, Domain
from domainbert.plugin_check.lexicon import check_terms

TEXTS = [Document(str(n), text, "x") for n, text in enumerate(["The rope held.", "A sheet bend"])]


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"rope\nrope\n", "terms.txt:2: 'rope' is in line 1 too"),
        (b" rope\n", "terms.txt:1: stray blanks in ' rope'"),
        (b"sheet  bend\nrope\n", "terms.txt:1: stray blanks in 'sheet  bend'"),
        (b"   \nrope\n", "terms.txt:1: stray blanks in '   '"),
        (b"ro\tpe\nrope\n", "terms.txt:1: control character U+0009"),
        (b"\xef\xbb\xbfrope\ntar\n", "terms.txt:1: control character U+FEFF"),
        ("rope\nno\u0308ck\n".encode(), "terms.txt:2: 'no\u0308ck' is not in Unicode NFC"),
        (b"rope\n\xff\n", "terms.txt:2:1: not UTF-8"),
        (b"# nothing\n", "no terms"),
        (b"rop\n", "none of 1 terms is in 2 texts"),
    ],
)
def test_terms_with_faults(content: bytes, what: str, domain: Domain, folder: Path) -> None:
    (folder / "terms.txt").write_bytes(content)
    found = check_terms(domain, TEXTS)
    assert not found.ok
    assert what in found.what


@pytest.mark.parametrize("content", ["rope\n\n# More\nSheet-Bend\n", "ROPE\n", "rope\r\ntar\r\n"])
def test_terms_without_faults(content: str, domain: Domain, folder: Path) -> None:
    (folder / "terms.txt").write_text(content)
    assert check_terms(domain, TEXTS).ok
    assert check_terms(replace(domain, terms=None), TEXTS).line == "ok    terms: none declared"

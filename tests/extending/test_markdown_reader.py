"""A reader of a plugin: found by suffix or by `format:`."""

from __future__ import annotations

from pathlib import Path

import pytest

from domainbert.corpus.sources import find_sources, read_sources
from domainbert.recipe.corpus import CorpusSection

PAGE = """Intro with [a link](https://example.org).

# Doses #
- *2.5 mg* of `aspirin`
```
code = 1
```
## Empty
"""


@pytest.mark.parametrize(("name", "given"), [("a.md", {}), ("a.txt", {"format": "markdown"})])
def test_sections_are_documents(tmp_path: Path, name: str, given: dict[str, str]) -> None:
    (tmp_path / name).write_text(PAGE)
    sources = find_sources([CorpusSection(path=name, **given)], None, tmp_path)
    assert [(d.id, d.text) for d in read_sources(sources)] == [
        (f"{name}:1", "Intro with a link.\n"),
        (f"{name}:3", "Doses\n2.5 mg of aspirin"),
        (f"{name}:8", "Empty"),
    ]

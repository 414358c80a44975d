"""A reader of a plugin: found by suffix or by `format:`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from domainbert.corpus.sources import find_sources, read_sources
from domainbert.errors import RecipeError
from domainbert.plugin.registry import load_plugins
from domainbert.recipe.sections import CorpusSection

PAGE = """Intro with [a link](https://example.org).

# Doses #
- *2.5 mg* of `aspirin`
```
code = 1
```
## Empty
"""


@pytest.fixture(autouse=True)
def plugin() -> Iterator[None]:
    load_plugins([Path(__file__).parent / "plugins" / "markdown_reader.py"])
    yield
    load_plugins()


@pytest.mark.parametrize(("name", "given"), [("a.md", {}), ("a.txt", {"format": "markdown"})])
def test_sections_are_documents(tmp_path: Path, name: str, given: dict[str, str]) -> None:
    (tmp_path / name).write_text(PAGE)
    sources = find_sources([CorpusSection(path=name, **given)], None, tmp_path)
    assert [(d.id, d.text) for d in read_sources(sources)] == [
        (f"{name}:1", "Intro with a link.\n"),
        (f"{name}:3", "Doses\n2.5 mg of aspirin"),
        (f"{name}:8", "Empty"),
    ]


def test_an_unknown_reader_is_refused_with_the_name_that_was_meant(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(PAGE)
    with pytest.raises(RecipeError, match=r"^corpus\.0\.format: .*Did you mean 'markdown'\?"):
        find_sources([CorpusSection(path="a.md", format="markdwon")], None, tmp_path)

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from domainbert import Corpus, Document, Domain
from domainbert.corpus.sources import (
    describe_sources,
    find_sources,
    read_sources,
    refuse_changed,
)
from domainbert.errors import DataError, RecipeError
from domainbert.recipe.corpus import CorpusSection

pytestmark = pytest.mark.usefixtures("bare_environment")
OWN = "as of your files"


def whole(path: Path) -> Iterator[Document]:
    """Read as a plugin does."""
    yield Document(path.name, f"whole {path.read_text()}", path.name)


def domain(*files: Path) -> Domain:
    url = "https://example.org"
    return Domain(
        name="legal",
        title="Legal",
        corpora=(
            Corpus("statutes", "Statutes", "CC0-1.0", url, whole, files),
            Corpus("cases", "Cases", "MIT", url, whole),
        ),
    )


def find(folder: Path, *sections: dict[str, Any], plugin: Domain | None = None) -> Any:
    return find_sources([CorpusSection(**values) for values in sections], plugin, folder)


def texts(sources: Any) -> list[str]:
    return [document.text for document in read_sources(sources)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "run [1] *"
    (made / "deep").mkdir(parents=True)
    for name in ("b.txt", "a.txt", "deep/c.txt", "d.csv", "e.doc"):
        (made / name).write_text(name)
    return made


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("**/*.txt", ["a.txt", "b.txt", "deep/c.txt"]),
        ("deep/../a.txt", ["deep/../a.txt"]),
    ],
)
def test_paths_are_globs_from_the_recipe_sorted(
    pattern: str, names: list[str], folder: Path
) -> None:
    sources = find(folder, {"path": pattern})
    expected = [(Path(pattern).name, OWN, folder / name) for name in names]
    assert [(source.name, source.licence, source.path) for source in sources] == expected


def test_a_corpus_of_the_domain_brings_its_files_licence_and_reader(folder: Path) -> None:
    plugin = domain(folder / "b.txt", folder / "a.txt")
    sources = find(folder, {"name": "statutes"}, {"name": "cases", "path": "d.csv"}, plugin=plugin)
    facts = [("statutes", "CC0-1.0")] * 2 + [("cases", "MIT")]
    assert [(source.name, source.licence) for source in sources] == facts
    assert texts(sources) == ["whole b.txt", "whole a.txt", "whole d.csv"]


def test_format_field_and_unit_of_each_section_are_used_and_sources_keep_their_order(
    folder: Path,
) -> None:
    (folder / "a.jsonl").write_text('{"body": "one"}\n')
    (folder / "b.txt").write_text("two\nthree\n")
    sources = find(
        folder,
        {"path": "b.txt", "text_unit": "line"},
        {"path": "a.jsonl", "text_field": "body"},
        {"path": "e.doc", "format": "txt"},
        {"path": "b.txt"},
    )
    assert texts(sources) == ["two", "three", "one", "e.doc", "two\nthree"]


def test_files_are_described_and_read_again_only_at_another_size_or_time(folder: Path) -> None:
    path = folder / "a.txt"
    sources = find(folder, {"path": "a.txt"})
    (first,) = describe_sources(sources)
    assert first == {
        "corpus": "a.txt", "licence": OWN, "file": "a.txt", "bytes": 5,
        "mtime_ns": path.stat().st_mtime_ns, "sha256": hashlib.sha256(b"a.txt").hexdigest(),
    }  # fmt: skip
    known = [{**first, "sha256": "known"}]
    assert describe_sources(sources, known) == known
    path.write_text("b.txt")
    os.utime(path, ns=(0, first["mtime_ns"] - 10**12))
    (now,) = describe_sources(sources, known)
    assert now["sha256"] == hashlib.sha256(b"b.txt").hexdigest()
    with pytest.raises(DataError, match=r"a\.txt: was changed while it was read\. Run again"):
        refuse_changed(sources, [first])
    refuse_changed(sources, [now])


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"path": "none/*.txt"}, "corpus.1.path: no file matches {folder}/none/*.txt."),
        ({"path": "e.*"}, "{folder}/e.doc: no readers for the suffix '.doc'."),
        ({"path": "a.txt", "format": "tex"}, "corpus.1.format: "),
        ({"name": "laws"}, "corpus.1.name: domain 'legal' has no corpus 'laws'. It has: cases, st"),
        ({"name": "cases"}, "corpus.1.name: 'cases' declares no files; bring them and add `path:`"),
    ],
)
def test_what_is_missing_is_named_before_any_file_is_read(
    folder: Path, section: dict[str, Any], message: str
) -> None:
    with pytest.raises((DataError, RecipeError)) as caught:
        find(folder, {"path": "a.txt"}, section, plugin=domain())
    assert str(caught.value).startswith(message.replace("{folder}", str(folder)))


def test_a_corpus_by_name_needs_a_domain(folder: Path) -> None:
    with pytest.raises(RecipeError, match=r"corpus\.0\.name: 'statutes' needs a `domain:`"):
        find(folder, {"name": "statutes"})


def test_entries_of_one_name_are_told_apart(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.txt").write_text(f"text of {folder}")
        (tmp_path / folder / "y.txt").write_text(f"more of {folder}")
    sections = [CorpusSection(path="a/*.txt"), CorpusSection(path="b/*.txt", share=0.1)]
    found = find_sources(sections, None, tmp_path)
    assert [(source.name, source.share) for source in found] == [
        ("*.txt", None), ("*.txt", None), ("*.txt (2)", 0.1), ("*.txt (2)", 0.1),
    ]  # fmt: skip
    assert [document.corpus for document in read_sources(found)] == [s.name for s in found]

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from domainbert import Corpus, DataFile, Document, Domain
from domainbert.corpus.sources import (
    describe_sources,
    find_sources,
    read_sources,
    refuse_changed,
)
from domainbert.errors import DataError, RecipeError
from domainbert.recipe.sections import CorpusSection

pytestmark = pytest.mark.usefixtures("bare_environment")


def whole(path: Path) -> Iterator[Document]:
    """Read as a plugin does."""
    yield Document(path.name, f"whole {path.read_text()}", path.name)


def domain(*files: DataFile | Path) -> Domain:
    return Domain(
        name="legal",
        title="Legal",
        corpora=(
            Corpus("statutes", "Statutes", "CC0-1.0", "https://example.org", whole, files),
            Corpus("cases", "Cases", "MIT", "https://example.org/cases", whole),
        ),
    )


def section(**values: Any) -> CorpusSection:
    return CorpusSection.model_validate(values)


def found(folder: Path, *sections: CorpusSection, plugin: Domain | None = None) -> list[Any]:
    return [
        (source.name, source.licence, source.path)
        for source in find_sources(sections, plugin, folder)
    ]


def refused(
    kind: type[Exception], folder: Path, *sections: CorpusSection, plugin: Domain | None = None
) -> str:
    with pytest.raises(kind) as caught:
        find_sources(sections, plugin, folder)
    return str(caught.value)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "recipes"
    (made / "notes" / "deep").mkdir(parents=True)
    for name in ("b.txt", "a.txt", "deep/c.txt", "d.csv"):
        (made / "notes" / name).write_text(name)
    return made


OWN = "as of your files"


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("notes/a.txt", ["a.txt"]),
        ("notes/*.txt", ["a.txt", "b.txt"]),
        ("notes/**/*.txt", ["a.txt", "b.txt", "deep/c.txt"]),
        ("notes/[ab].txt", ["a.txt", "b.txt"]),
        ("./notes/d.csv", ["d.csv"]),
        ("notes/../notes/a.txt", ["../notes/a.txt"]),
    ],
)
def test_paths_are_globs_from_the_recipe_sorted(
    pattern: str, names: list[str], folder: Path
) -> None:
    assert found(folder, section(path=pattern)) == [
        (Path(name).name, OWN, folder / "notes" / name) for name in names
    ]


def test_a_recipe_in_a_folder_with_brackets_finds_its_files(tmp_path: Path) -> None:
    folder = tmp_path / "run [1] *"
    folder.mkdir()
    (folder / "a.txt").write_text("x")
    assert found(folder, section(path="a.txt")) == [("a.txt", OWN, folder / "a.txt")]


def test_a_corpus_of_the_domain_brings_its_files_licence_and_reader(folder: Path) -> None:
    plugin = domain(folder / "notes" / "b.txt", folder / "notes" / "a.txt")
    (first, second) = find_sources([section(name="statutes")], plugin, folder)
    assert [(source.name, source.licence) for source in (first, second)] == [
        ("statutes", "CC0-1.0")
    ] * 2
    assert [document.text for document in read_sources([first, second])] == [
        "whole b.txt",
        "whole a.txt",
    ]


def test_own_files_can_be_read_with_the_reader_of_a_corpus(folder: Path) -> None:
    sections = [section(name="cases", path="notes/d.csv")]
    (source,) = find_sources(sections, domain(), folder)
    assert (source.name, source.licence) == ("cases", "MIT")
    assert [document.text for document in read_sources([source])] == ["whole d.csv"]


def test_field_and_unit_of_each_section_are_used_and_sources_keep_their_order(
    folder: Path,
) -> None:
    (folder / "a.jsonl").write_text('{"body": "one"}\n')
    (folder / "b.txt").write_text("two\nthree\n")
    sources = find_sources(
        [
            section(path="b.txt", text_unit="line"),
            section(path="a.jsonl", text_field="body"),
            section(path="b.txt"),
        ],
        None,
        folder,
    )
    assert [document.text for document in read_sources(sources)] == [
        "two",
        "three",
        "one",
        "two\nthree",
    ]


def test_files_are_described_and_read_again_only_at_another_size_or_time(folder: Path) -> None:
    path = folder / "notes" / "a.txt"
    sources = find_sources([section(path="notes/a.txt")], None, folder)
    (first,) = describe_sources(sources)
    assert first == {
        "corpus": "a.txt", "licence": OWN, "file": "a.txt", "bytes": 5,
        "mtime_ns": path.stat().st_mtime_ns, "sha256": hashlib.sha256(b"a.txt").hexdigest(),
    }  # fmt: skip
    known = [{**first, "sha256": "known"}]
    assert describe_sources(sources, known) == known
    for time in (first["mtime_ns"] - 10**12, first["mtime_ns"] + 10**9):
        path.write_text("b.txt")
        os.utime(path, ns=(time, time))
        (now,) = describe_sources(sources, known)
        assert now["sha256"] == hashlib.sha256(b"b.txt").hexdigest()
        with pytest.raises(DataError) as caught:
            refuse_changed(sources, [first])
        assert str(caught.value) == (
            f"{path}: was changed while it was read. Run again when nothing writes to it."
        )
        refuse_changed(sources, [now])


# --- errors ------------------------------------------------------------------------------------


def test_a_path_that_matches_nothing_is_named_with_its_section(folder: Path) -> None:
    sections = (section(path="notes/a.txt"), section(path="none/*.txt"))
    assert refused(DataError, folder, *sections) == (
        f"corpus.1.path: no file matches {folder / 'none/*.txt'}."
    )


def test_an_unknown_suffix_is_refused_before_any_file_is_read(folder: Path) -> None:
    (folder / "a.doc").write_text("x")
    message = refused(DataError, folder, section(path="notes/a.txt"), section(path="a.*"))
    assert message.startswith(f"{folder / 'a.doc'}: no reader for the suffix '.doc'. ")


def test_a_corpus_by_name_needs_a_domain(folder: Path) -> None:
    assert refused(RecipeError, folder, section(name="statutes")) == (
        "corpus.0.name: 'statutes' needs a `domain:` in the recipe. For your own files use `path:` "
        "alone."
    )


def test_an_unknown_corpus_is_refused_with_those_that_are_known(folder: Path) -> None:
    assert refused(RecipeError, folder, section(name="laws"), plugin=domain()) == (
        "corpus.0.name: domain 'legal' has no corpus 'laws'. It has: cases, statutes."
    )


def test_a_corpus_that_declares_no_files_needs_a_path(folder: Path) -> None:
    assert refused(RecipeError, folder, section(name="cases"), plugin=domain()) == (
        "corpus.0.name: 'cases' declares no files; bring them and add `path:` (origin: "
        "https://example.org/cases)."
    )

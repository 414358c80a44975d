"""The recipes of the results have corpora that a stranger can fetch, byte for byte."""

from __future__ import annotations

import gzip
import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from domainbert.corpus.sources import read_sources
from domainbert.corpus.steps import run_steps
from domainbert.pipeline.choose import choose_recipe, load_registry
from domainbert.plugin.places import DataFile
from domainbert.stages.inputs import locate_corpus
from domainbert.storage.locate import Fetcher

# Recipe: folder of raw files, documents read and kept, SHA-256 of the texts kept.
RECIPES = {
    "bio/ncbi-disease-minilm": (
        "biomed",
        51,
        51,
        "f323dad9da0ef31720ca9dc660f70dea48e2033e0fafb09a904c5aa51c45918b",
    ),
    "finance/phrasebank-minilm": (
        "finance",
        656,
        645,
        "e65aa2b37e76c245f5777b3294bf1c57ea257b8fc98fd19795080b34dd59d7ac",
    ),
    "patent/cpc-minilm": (
        "patents",
        100,
        100,
        "48ee7f507252b2bc308e4938a28fe2c2a44af290c309332a9fa0abf9d89fc95a",
    ),
}


@pytest.fixture
def data() -> Path:
    """The folder of `DOMAINBERT_DATA` with the raw files of all fields."""
    for folder in filter(None, os.environ.get("DOMAINBERT_DATA", "").split(os.pathsep)):
        if all((Path(folder) / name / "raw_samples").is_dir() for name, *_ in RECIPES.values()):
            return Path(folder)
    pytest.skip("DOMAINBERT_DATA names no folder with raw_samples of all fields")


@pytest.fixture(scope="module")
def registry() -> Any:
    return load_registry(())


def declared(name: str, registry: Any) -> list[DataFile]:
    recipe = choose_recipe(name, None, (), registry).recipe
    corpora = {corpus.name: corpus for corpus in registry.domain(recipe.domain).corpora}
    return [file for section in recipe.corpus for file in corpora[section.name].files]


@pytest.mark.parametrize("name", RECIPES)
def test_every_file_has_an_address_and_a_hash(name: str, registry: Any) -> None:
    files = declared(name, registry)
    assert len({file.sha256 for file in files}) == len({file.url for file in files}) == len(files)
    for file in files:
        assert (file.url or "").startswith("https://raw.githubusercontent.com/")
        assert (file.url or "").endswith(f"/{file.name}")


@pytest.mark.slow
@pytest.mark.parametrize("name", RECIPES)
def test_the_corpus_is_assembled_from_these_files(
    name: str, registry: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: Path
) -> None:
    folder, read, kept, digest = RECIPES[name]
    # What a download brings: the files as published, under any name.
    for number, path in enumerate(sorted((data / folder / "raw_samples").rglob("*"))):
        if path.is_file():
            content = path.read_bytes()
            packed = path.suffix == ".gz"
            (tmp_path / f"{number}").write_bytes(gzip.decompress(content) if packed else content)
    monkeypatch.setenv("DOMAINBERT_DATA", f"{tmp_path}:{data}")
    chosen = choose_recipe(name, None, (), registry)
    sources, _, steps = locate_corpus(chosen.recipe, registry, chosen.folder, Fetcher())
    assert len(list(read_sources(sources))) == read
    texts = [document.text for document in run_steps(read_sources(sources), steps, {})]
    found = hashlib.sha256("\0".join(texts).encode()).hexdigest()
    assert (len(texts), found) == (kept, digest)


def test_they_are_fetched_from_their_addresses(
    registry: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file_server: Any, data: Path
) -> None:
    monkeypatch.setenv("DOMAINBERT_DATA", "")
    monkeypatch.setenv("DOMAINBERT_CACHE", str(tmp_path))
    (news,) = (c for c in registry.domain("finance").corpora if c.name == "public-news")
    (file,) = news.files
    packed = next(data.rglob("reut2-021.sgm.gz"))
    path = f"/{(file.url or '').split('/', 3)[3]}"
    file_server.files[path] = gzip.decompress(packed.read_bytes())
    here = DataFile(file.sha256, file.size, file.name, f"{file_server.address}{path}")
    assert len(list(news.read(Fetcher().path(here)))) == 578
    assert [request.path for request in file_server.requests] == [path]

"""A corpus built in parts is the one that is built at once, whatever was killed on the way."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from domainbert.corpus import parts as module
from domainbert.corpus.build import DROPPED, Encoder, build_from_parts, build_store
from domainbert.corpus.parts import Parts
from domainbert.corpus.sources import describe_sources, find_sources
from domainbert.corpus.steps import find_steps
from domainbert.corpus.token_units import word_units
from domainbert.errors import DataError
from domainbert.plugin.steps import StepContext
from domainbert.recipe.corpus import CorpusSection, StepSection
from domainbert.testing import sample_texts
from domainbert.testing.tiny import tiny_tokenizer

TEXTS = sample_texts(60)
CONTEXT = StepContext(evaluation=(TEXTS[7], "short one", TEXTS[33]))
STEPS: list[list[Any]] = [
    [],
    ["normalise", "exact-duplicates"],
    ["exact-duplicates", "normalise"],
    ["normalise", StepSection(name="filter", min_characters=30), "scrub", "decontaminate"],
    ["normalise", "decontaminate", "exact-duplicates", "near-duplicates", "scrub"],
]


@pytest.fixture
def sources(tmp_path: Path) -> Any:
    """Four files, one of them empty, with repeats within and across files."""
    for number, texts in enumerate([TEXTS[:25], [], TEXTS[20:50], ["x", *TEXTS[30:], " a\r\nb "]]):
        lines = (json.dumps({"text": text}) + "\n" for text in [*texts, *texts[:3]])
        (tmp_path / f"{number}.jsonl").write_text("".join(lines))
    return find_sources([CorpusSection(path="*.jsonl")], None, tmp_path)


@pytest.fixture(params=[None, "word"])
def encoder(request: Any) -> Encoder:
    return Encoder(tiny_tokenizer("bert"), request.param and word_units())


def make(parts: Parts, encoder: Encoder) -> None:
    for number in reversed(range(len(parts.sources))):  # in whichever order they come
        parts.read(number)
    parts.join()
    for number in reversed(range(parts.n_blocks())):
        parts.tokenise(number, encoder.encode)


def files(folder: Path) -> dict[str, bytes]:
    found = {path.name: path.read_bytes() for path in (folder / "store").iterdir()}
    return found | {DROPPED: (folder / DROPPED).read_bytes()}


@pytest.mark.parametrize("names", STEPS, ids=str)
def test_the_store_of_parts_is_the_store_byte_for_byte(
    tmp_path: Path, sources: Any, encoder: Encoder, names: list[Any], session: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(module, "BLOCK", 17)
    steps, described = find_steps(names, CONTEXT), describe_sources(sources)
    whole, apart = tmp_path / "whole", tmp_path / "apart"
    build_store(whole / "store", sources, described, steps, encoder, session)
    parts = Parts(tmp_path / "parts", sources, steps)
    assert not parts.is_whole()
    make(parts, encoder)
    assert parts.is_whole()
    assert parts.n_blocks() > 1
    build_from_parts(apart / "store", parts, described, encoder, session)
    assert files(apart) == files(whole)


def test_steps_that_see_all_documents_run_when_these_are_joined(tmp_path: Path) -> None:
    expected = [0, 1, 0, 4, 2]
    for names, number in zip(STEPS, expected, strict=True):
        assert Parts(tmp_path, (), find_steps(names, CONTEXT)).n_apart == number


def test_what_is_done_is_not_done_again_and_what_was_killed_is(
    tmp_path: Path, sources: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BLOCK", 17)
    encoder = Encoder(tiny_tokenizer("bert"))
    parts = Parts(tmp_path / "parts", sources, find_steps(["normalise", "exact-duplicates"]))
    make(parts, encoder)
    listed = sorted(parts.folder.rglob("*"))
    stamps = {path: path.stat().st_mtime_ns for path in listed}
    content = {path: path.read_bytes() for path in listed if path.is_file()}
    # A process that was killed leaves a hidden folder, and no part.
    shutil.move(parts.folder / "read/00002", parts.folder / "read/.00002.99.tmp")
    shutil.rmtree(parts.joined)
    shutil.rmtree(parts.folder / "tokens/00001")
    assert not parts.is_whole()
    make(parts, encoder)
    assert parts.is_whole()
    found = {path: path.read_bytes() for path in listed if path.is_file()}
    assert found == content
    kept = [path for path in listed if {"00000", "00003"} & set(path.parts)]
    assert {path: path.stat().st_mtime_ns for path in kept} == {p: stamps[p] for p in kept}


def test_half_a_surrogate_pair_among_the_examples(tmp_path: Path, session: Any) -> None:
    lines = (json.dumps({"text": text}) + "\n" for text in ["\ud800", *TEXTS])
    (tmp_path / "a.jsonl").write_text("".join(lines))
    sources = find_sources([CorpusSection(path="a.jsonl")], None, tmp_path)
    steps = find_steps([StepSection(name="filter", min_characters=5), "normalise"])
    encoder, described = Encoder(tiny_tokenizer("bert")), describe_sources(sources)
    build_store(tmp_path / "whole/store", sources, described, steps, encoder, session)
    parts = Parts(tmp_path / "parts", sources, steps)
    make(parts, encoder)
    build_from_parts(tmp_path / "apart/store", parts, described, encoder, session)
    assert files(tmp_path / "apart") == files(tmp_path / "whole")


def test_parts_that_are_not_read_are_not_joined(tmp_path: Path, sources: Any) -> None:
    parts = Parts(tmp_path / "parts", sources, ())
    parts.read(0)
    with pytest.raises(DataError, match=r"1\.jsonl: this part of the corpus is not read yet"):
        parts.join()
    assert not parts.joined.exists()

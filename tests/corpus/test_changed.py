"""A corpus that is not what a store was made from is noticed, whatever its files' times say."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from domainbert import Document
from domainbert.corpus import changed
from domainbert.corpus.build import build_store
from domainbert.corpus.changed import describe_sources, refuse_changed
from domainbert.corpus.read import read_documents
from domainbert.corpus.sources import Source
from domainbert.errors import DataError
from domainbert.run.folder import RunFolder
from domainbert.run.progress import Reporter
from domainbert.testing import tiny_checkpoint
from domainbert.tokenizer.load import load_tokenizer


@pytest.fixture
def source(tmp_path: Path) -> Any:
    path = tmp_path / "a.txt"
    path.write_text("one\n", encoding="utf-8")
    return Source("a", "CC0-1.0", path, lambda _path: ())


@pytest.mark.parametrize("seconds", [-1000, 1, 1000])
def test_another_text_of_the_same_size_is_refused_older_or_newer(
    source: Source, tmp_path: Path, seconds: int
) -> None:
    told = describe_sources([source])
    time = source.path.stat().st_mtime_ns + seconds * 10**9
    source.path.write_text("two\n", encoding="utf-8")
    os.utime(source.path, ns=(time, time))
    with pytest.raises(DataError) as caught:
        refuse_changed(tmp_path, told, [source])
    assert str(caught.value) == (
        f"{tmp_path}: was made from another corpus ({source.path} was changed). Restore the files, "
        "or name another --out."
    )


def test_only_a_file_of_another_time_is_read_again(
    source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = describe_sources([source])
    read: list[Path] = []
    plain = changed.sha256_file
    monkeypatch.setattr(changed, "sha256_file", lambda path: read.append(path) or plain(path))
    refuse_changed(tmp_path, told, [source])
    assert read == []
    os.utime(source.path, ns=(5, 5))
    refuse_changed(tmp_path, told, [source])
    assert read == [source.path]
    # A store of an earlier version does not know the times.
    refuse_changed(tmp_path, [{**told[0], "mtime_ns": None}], [source])
    assert len(read) == 2


def appending(path: Path) -> Iterator[Document]:
    yield Document("1", "the clerk found the barn", "a:1")
    with path.open("a", encoding="utf-8") as stream:
        stream.write("two\n")


def vanishing(path: Path) -> Iterator[Document]:
    yield Document("1", "the clerk found the barn", "a:1")
    path.unlink()


@pytest.mark.parametrize("read", [appending, vanishing])
def test_a_file_that_changes_while_it_is_read_is_refused(
    source: Source, tmp_path: Path, read: Callable[[Path], Iterator[Document]]
) -> None:
    tokenizer = load_tokenizer(tiny_checkpoint(tmp_path / "base"))
    session: Any = SimpleNamespace(
        run=RunFolder(tmp_path / "run"),
        reporter=Reporter(enabled=False),
        check_stop=lambda _where: None,
    )
    with pytest.raises(DataError) as caught:
        build_store(session, [replace(source, read=read)], tokenizer)
    assert str(caught.value) == (
        f"{source.path}: was changed while it was read. Run again when nothing writes to it."
    )
    assert list(session.run.path.iterdir()) == []
    if source.path.exists():
        store = build_store(session, [replace(source, read=read_documents)], tokenizer)
        assert [store.text(0), store.manifest["sources"][0]["bytes"]] == ["one\ntwo", 8]

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from domainbert import Corpus, DataFile, Domain, Task, Terms
from domainbert.errors import DataError, PluginError

PATHS = {name: Path(name) for name in ("train", "validation", "test")}


def corpus(name: str) -> Corpus:
    return Corpus(name, "Title", "CC0-1.0", "here", read=lambda _path: ())


def task(name: str, splits: dict[str, Path] = PATHS) -> Task:
    return Task(name, "Title", "tagging", "CC0-1.0", "here", "1", splits, ("Entity",))


@pytest.mark.parametrize("make", [corpus, task, lambda name: Domain(name=name, title="Title")])
def test_names_are_lower_case_words_joined_by_hyphens(make: Callable[[Any], Any]) -> None:
    for name in ("bio", "b2", "ncbi-disease", "a-1-b", "a" * 64):
        assert make(name).name == name
    for name in ("", "Bio", "2b", "a--b", "-a", "a_b", "a/b", "é", "a\n", "a" * 65, None):
        with pytest.raises(PluginError, match="expected lower-case letters, digits and single hyp"):
            make(name)


def test_a_data_file_has_a_lower_case_sha256_and_a_plain_name() -> None:
    for digest in ("", "a" * 63, "A" * 64, "g" * 64, "a" * 65):
        with pytest.raises(PluginError, match=r"^a\.txt: sha256 must be 64 lower-case hex digits"):
            DataFile(digest, 1, "a.txt")
    for name in ("", ".", "..", "a/b", "/a", "a\\b"):
        with pytest.raises(PluginError, match="expected a plain name without a folder"):
            DataFile("a" * 64, 1, name)


def test_a_task_needs_its_three_splits_and_a_domain_names_nothing_twice() -> None:
    with pytest.raises(PluginError, match=r"^task 'clauses': missing splits \['test', 'valid"):
        task("clauses", {"train": Path("a")})
    with pytest.raises(PluginError, match=r"^domain 'legal': corpora named twice: \['a'\]\.$"):
        Domain("legal", "T", corpora=(corpus("a"), corpus("b"), corpus("a")))


def test_terms_are_lines_without_comments_and_blanks(tmp_path: Path) -> None:
    path = tmp_path / "terms.txt"
    path.write_text("# made by hand\ntort\n\n  mens rea  \nécart # kept\n", encoding="utf-8")
    assert Terms(path, "CC0-1.0", "by hand").read() == ("tort", "mens rea", "écart # kept")


def test_terms_are_utf_8(tmp_path: Path) -> None:
    (tmp_path / "terms.txt").write_bytes(b"caf\xe9\n")
    with pytest.raises(DataError, match=r"terms\.txt:1:4: not UTF-8"):
        Terms(tmp_path / "terms.txt", "CC0-1.0", "by hand").read()

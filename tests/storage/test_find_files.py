from __future__ import annotations

from pathlib import Path

import pytest

from domainbert.storage.files import find_files


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "my [old] texts"
    for name in (
        "a.txt",
        "b.txt",
        "c.csv",
        "deep/d.txt",
        "deep/er/e.txt",
        ".hidden/f.txt",
        ".g.txt",
    ):
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).touch()
    # Two links to the folder that holds them: 2 ** n paths of n parts.
    for name in ("one", "two"):
        (made / "deep" / name).symlink_to(".")
    return made


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("a.txt", ["a.txt"]),
        ("none.txt", []),
        ("*.txt", ["a.txt", "b.txt"]),
        ("[ab].txt", ["a.txt", "b.txt"]),
        ("**/*.txt", ["a.txt", "b.txt", "deep/d.txt", "deep/er/e.txt"]),
        ("deep/one/*.txt", ["deep/one/d.txt"]),
        (".hidden/*", [".hidden/f.txt"]),
        (".*.txt", [".g.txt"]),
        ("a\0b", []),
        ("a**", []),
        ("[", []),
    ],
)
def test_what_a_glob_matches(pattern: str, expected: list[str], folder: Path) -> None:
    assert find_files(folder, pattern) == [folder / name for name in expected]
    if expected:
        assert find_files(Path("/elsewhere"), f"{folder.parent}/my ?old? texts/{pattern}")

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domainbert.errors import StorageError, StorageFullError
from domainbert.storage.files import (
    folder_in_place,
    make_folder,
    read_json,
    sha256_file,
    storage_errors,
    write_json,
    write_text,
)

ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(("content", "digest"), [(b"abc", ABC), (b"", EMPTY)])
def test_sha256_of_a_file_is_that_of_its_bytes(tmp_path: Path, content: bytes, digest: str) -> None:
    path = tmp_path / "a"
    path.write_bytes(content)
    assert sha256_file(path) == digest


def test_text_is_written_as_utf_8_with_unix_line_ends_and_folders_are_made(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "text.txt"
    write_text(path, "é\nb\r\n")
    assert path.read_bytes() == b"\xc3\xa9\nb\r\n"
    assert names(path.parent) == ["text.txt"]


def test_a_text_that_cannot_be_encoded_leaves_the_old_one_and_nothing_beside_it(
    tmp_path: Path,
) -> None:
    path = tmp_path / "text.txt"
    write_text(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_text(path, "new \ud800")
    assert path.read_text() == "old"
    assert names(tmp_path) == ["text.txt"]


def flushed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the inodes of what is flushed from now on."""
    seen: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda number: seen.append(os.fstat(number).st_ino))
    return seen


def by_text(path: Path) -> None:
    write_text(path / "text.txt", "x")


def by_folder(path: Path) -> None:
    with folder_in_place(path / "store"):
        pass


@pytest.mark.parametrize("make", [make_folder, by_text, by_folder])
def test_a_new_folder_is_flushed_into_the_one_that_holds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], None]
) -> None:
    seen = flushed(monkeypatch)
    make(tmp_path / "a" / "b" / "c")
    holders = [tmp_path, tmp_path / "a", tmp_path / "a" / "b"]
    assert {path.stat().st_ino for path in holders} <= set(seen)
    assert tmp_path.parent.stat().st_ino not in seen
    seen.clear()
    make_folder(tmp_path / "a" / "b" / "c")
    assert seen == []


def test_a_folder_in_the_place_of_a_link_is_refused_and_the_link_stays(tmp_path: Path) -> None:
    (tmp_path / "target").mkdir()
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "target")
    with (
        pytest.raises(StorageError, match=f"^{link}: cannot be written: Not a directory"),
        folder_in_place(link),
    ):
        pass
    assert (names(tmp_path), link.is_symlink()) == (["link", "target"], True)


def test_json_is_sorted_indented_and_readable(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"b": [1, 0.1], "a": "é"})
    assert path.read_text(encoding="utf-8") == (
        '{\n  "a": "é",\n  "b": [\n    1,\n    0.1\n  ]\n}\n'
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=30)
@given(value=JSON)
def test_json_is_read_back_equal(tmp_path_factory: pytest.TempPathFactory, value: Any) -> None:
    path = tmp_path_factory.getbasetemp() / "value.json"
    write_json(path, value)
    assert read_json(path) == value


def test_a_folder_appears_whole_and_replaces_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "store"
    for number in (1, 2):
        with folder_in_place(path) as beside:
            (beside / "inner").mkdir()
            (beside / "inner" / f"{number}.txt").write_text(str(number))
            assert [item.name for item in path.rglob("*.txt")] == ["1.txt"][: number - 1]
    assert [item.relative_to(path).as_posix() for item in sorted(path.rglob("*"))] == [
        "inner",
        "inner/2.txt",
    ]
    assert names(tmp_path) == ["store"]


@pytest.mark.parametrize("stop", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_a_folder_whose_block_fails_leaves_the_old_one_and_nothing_beside_it(
    tmp_path: Path, stop: type[BaseException]
) -> None:
    path = tmp_path / "store"
    with folder_in_place(path) as beside:
        (beside / "old.txt").write_text("old")

    def fail() -> None:
        with folder_in_place(path) as again:
            (again / "new.txt").write_text("new")
            raise stop

    with pytest.raises(stop):
        fail()
    assert names(tmp_path) == ["store"]
    assert names(path) == ["old.txt"]


def test_a_folder_whose_block_fails_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), folder_in_place(tmp_path / "store"):
        raise RuntimeError
    assert names(tmp_path) == []


def test_left_overs_of_a_killed_process_are_no_obstacle(tmp_path: Path) -> None:
    left = tmp_path / f".store.{os.getpid()}.tmp"
    left.mkdir()
    (left / "half.txt").write_text("half")
    with folder_in_place(tmp_path / "store") as beside:
        (beside / "whole.txt").write_text("whole")
    assert names(tmp_path) == ["store"]
    assert names(tmp_path / "store") == ["whole.txt"]


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        OSError(errno.EFBIG, "File too large"),
        RuntimeError("I/O error: No space left on device (os error 28)"),
    ],
)
def test_no_space_is_an_error_of_its_own_that_names_the_path(
    tmp_path: Path, error: Exception
) -> None:
    path = tmp_path / "not" / "there"
    with pytest.raises(StorageFullError) as caught, storage_errors(path):
        raise error
    assert str(caught.value).startswith(f"{path}: no space left on the device (")
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    "number", [errno.EIO, errno.ESTALE, errno.ENODEV, errno.ENOTCONN, errno.EISDIR, errno.ENOTEMPTY]
)
def test_what_the_system_refuses_is_an_error_in_words(tmp_path: Path, number: int) -> None:
    with pytest.raises(StorageError) as caught, storage_errors(tmp_path):
        raise OSError(number, "in other words")
    assert str(caught.value).startswith(f"{tmp_path}: cannot be written: {os.strerror(number)}. ")


@pytest.mark.parametrize("error", [OSError(errno.ENOENT, "No such file"), ValueError("x")])
def test_other_errors_pass_unchanged(tmp_path: Path, error: Exception) -> None:
    with pytest.raises(type(error)) as caught, storage_errors(tmp_path):
        raise error
    assert caught.value is error


FULL = """
import json, resource, sys
from pathlib import Path
from domainbert.errors import StorageError, StorageFullError
from domainbert.storage.files import folder_in_place, write_text

folder = Path(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))

def text():
    write_text(folder / "text.txt", "x" * 5000)

def store():
    with folder_in_place(folder / "store") as beside:
        (beside / "a").write_text("x" * 5000)

kinds = []
for write in (text, store):
    try:
        write()
    except StorageFullError as error:
        kinds.append(type(error).__name__)
print(json.dumps(kinds))
"""


def test_where_the_system_refuses_to_write_the_old_content_stays(
    tmp_path: Path, python: Any
) -> None:
    write_text(tmp_path / "text.txt", "old")
    with folder_in_place(tmp_path / "store") as beside:
        (beside / "a").write_text("old")
    outcome = python("-c", FULL, tmp_path)
    assert json.loads(outcome.out) == ["StorageFullError", "StorageFullError"]
    assert names(tmp_path) == ["store", "text.txt"]
    assert (tmp_path / "text.txt").read_text() == "old"
    assert (tmp_path / "store" / "a").read_text() == "old"

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from domainbert.errors import StorageError, StorageFullError
from domainbert.storage.files import (
    describe_file,
    file_trouble,
    folder_in_place,
    read_json,
    read_json_with_hash,
    storage_errors,
    write_json,
    write_json_with_hash,
    write_text,
)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_that_differs_from_its_description_is_in_trouble(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"abc")
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    described = describe_file(path)
    assert described == {"sha256": digest, "bytes": 3}
    assert file_trouble(path, described) is None
    path.write_bytes(b"abd")
    assert file_trouble(path, described) == "does not have the hash it was written with"
    path.unlink()
    assert file_trouble(path, described) == "cannot be read (No such file or directory)"


def test_text_is_utf_8_with_unix_line_ends_and_replaced_only_when_whole(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "text.txt"
    write_text(path, "é\nb\r\n")
    with pytest.raises(UnicodeEncodeError):
        write_text(path, "new \ud800")
    assert path.read_bytes() == b"\xc3\xa9\nb\r\n"
    assert names(path.parent) == ["text.txt"]


def test_a_new_folder_is_flushed_into_the_one_that_holds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda number: flushed.append(os.fstat(number).st_ino))
    write_text(tmp_path / "a" / "b" / "text.txt", "x")
    assert {path.stat().st_ino for path in (tmp_path, tmp_path / "a")} <= set(flushed)


def test_a_folder_in_the_place_of_a_link_is_refused_and_the_link_stays(tmp_path: Path) -> None:
    (tmp_path / "target").mkdir()
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "target")
    message = f"^{link}: cannot be written: Not a directory"
    with pytest.raises(StorageError, match=message), folder_in_place(link):
        pass
    assert (names(tmp_path), link.is_symlink()) == (["link", "target"], True)


def test_json_is_sorted_and_a_changed_bit_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"b": [1], "a": "é"})
    assert read_json(path) == {"b": [1], "a": "é"}
    with pytest.raises(ValueError, match="not as it was written"):
        read_json_with_hash(path)
    write_json_with_hash(path, {"b": 1})
    assert read_json_with_hash(path) == {"b": 1}
    path.write_text(path.read_text().replace('"b": 1', '"b": 2'))
    with pytest.raises(ValueError, match="not as it was written"):
        read_json_with_hash(path)


def test_a_folder_appears_whole_and_replaces_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "store"
    left = tmp_path / f".store.{os.getpid()}.tmp"  # of a killed process
    left.mkdir()
    (left / "half.txt").write_text("half")
    for number in (1, 2):
        with folder_in_place(path) as beside:
            (beside / "inner").mkdir()
            (beside / "inner" / f"{number}.txt").write_text(str(number))
            assert [item.name for item in path.rglob("*.txt")] == ["1.txt"][: number - 1]
    assert (names(tmp_path), names(path / "inner")) == (["store"], ["2.txt"])


@pytest.mark.parametrize("stop", [RuntimeError, KeyboardInterrupt])
def test_a_folder_whose_block_fails_leaves_the_old_one_and_nothing_beside_it(
    tmp_path: Path, stop: type[BaseException]
) -> None:
    path = tmp_path / "store"
    with folder_in_place(path) as beside:
        (beside / "old.txt").write_text("old")
    with pytest.raises(stop), folder_in_place(path) as beside:
        (beside / "new.txt").write_text("new")
        raise stop
    assert (names(tmp_path), names(path)) == (["store"], ["old.txt"])


NO_SPACE = (OSError(errno.ENOSPC, "full"), RuntimeError("No space left on device (os error 28)"))


@pytest.mark.parametrize("error", NO_SPACE)
def test_no_space_has_an_error_class_and_names_the_path(tmp_path: Path, error: Exception) -> None:
    path = tmp_path / "not" / "there"
    with pytest.raises(StorageFullError) as caught, storage_errors(path):
        raise error
    assert str(caught.value).startswith(f"{path}: no space left on the device (")
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("name", ["EIO", "ESTALE", "EISDIR"])
def test_a_refusal_of_the_system_is_an_error_in_words(tmp_path: Path, name: str) -> None:
    number = getattr(errno, name)
    with pytest.raises(StorageError) as caught, storage_errors(tmp_path):
        raise OSError(number, "in other words")
    assert str(caught.value).startswith(f"{tmp_path}: cannot be written: {os.strerror(number)}. ")

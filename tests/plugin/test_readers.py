"""Files are opened, decompressed, decoded and numbered, or refused with their place."""

from __future__ import annotations

import gzip
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from domainbert import readers
from domainbert.errors import DataError
from domainbert.plugin import readers as module

PACK: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".zst": zstandard.ZstdCompressor(write_checksum=True).compress,
}
LINES = "".join(json.dumps({"text": f"document number {n}"}) + "\n" for n in range(500)).encode()
compressed = pytest.mark.parametrize("suffix", [".gz", ".zst"])


def write(folder: Path, content: bytes, suffix: str = "") -> Path:
    path = folder / f"a.txt{suffix}"
    path.write_bytes(content)
    return path


def refused(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        readers.read_bytes(path)
    return str(caught.value).removeprefix(str(path))


@pytest.mark.parametrize("suffix", [*PACK, ".GZ"])
def test_plain_and_compressed_files_hold_the_same(tmp_path: Path, suffix: str) -> None:
    middle = LINES.index(b"\n") + 1  # parts may follow each other
    pack = PACK[suffix.lower()]
    path = write(tmp_path, pack(LINES[:middle]) + pack(LINES[middle:]), suffix)
    assert readers.read_bytes(path) == LINES
    assert [line for _, line in readers.read_lines(path)] == LINES.decode().splitlines()
    with readers.open_bytes(path) as stream:
        assert (stream.read(9), stream.readline()) == (LINES[:9], LINES[9:middle])


@compressed
def test_a_file_is_refused_wherever_it_was_cut(tmp_path: Path, suffix: str) -> None:
    content = PACK[suffix](b"one line of text\n" * 5)
    for length in range(1, len(content)):
        message = refused(write(tmp_path, content[:length], suffix))
        assert message.startswith(": damaged or cut short after byte "), length


@compressed
def test_a_file_that_grows_without_bound_is_refused(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_RATIO_FROM", 1 << 20)
    path = write(tmp_path, PACK[suffix](bytes(1 << 24)), suffix)
    assert refused(path).startswith(": grows to more than 200 times its size")


def test_size_missing_files_and_folders(tmp_path: Path) -> None:
    path = write(tmp_path, b"12345")
    assert readers.read_bytes(path, 5) == b"12345"
    with pytest.raises(DataError, match="more than 4 bytes"):
        readers.read_bytes(path, 4)
    assert refused(tmp_path / "none.txt") == ": no such file."
    assert refused(tmp_path) == ": is a folder, expected a file."


def test_byte_order_marks_carriage_returns_and_encodings(tmp_path: Path) -> None:
    path = write(tmp_path, "\ufeffone\r\nt\u2028\x0bwo".encode())
    assert list(readers.read_lines(path)) == [(1, "one"), (2, "t\u2028\x0bwo")]
    assert readers.read_utf8(path) == "one\r\nt\u2028\x0bwo"
    path = write(tmp_path, b"caf\xe9\x85\n")
    assert list(readers.read_lines(path, "latin-1")) == [(1, "caf\xe9\x85")]


def test_the_place_of_other_encodings_and_long_lines_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, "one\ncafé\n".encode("latin-1"))
    for read in (readers.read_utf8, lambda path: list(readers.read_lines(path))):
        with pytest.raises(DataError) as caught:
            read(path)
        assert str(caught.value) == (
            f"{path}:2:4: not UTF-8 (byte 0xe9). Convert the file, for example with "
            "`iconv -f latin1 -t utf-8`."
        )
    with pytest.raises(DataError, match=r"a\.txt:2: a line of more than 4 bytes"):
        list(readers.read_lines(path, "latin-1", 4))


@pytest.mark.parametrize(
    ("content", "cure"),
    [
        ("id,text\n".encode("utf-16"), "This is UTF-16: `iconv -f utf-16 -t utf-8` converts it."),
        (gzip.compress(LINES), "This is compressed: let its name end in .gz."),
        (b"PK\3\4\xff", "This is a workbook or an archive: let its name end in .xlsx or .zip."),
        (b"one\nPK\xff", "Convert the file, for example with `iconv -f latin1 -t utf-8`."),
    ],
)
def test_what_bytes_are_is_told_by_their_first_ones(
    tmp_path: Path, content: bytes, cure: str
) -> None:
    path = write(tmp_path, content)
    for read in (readers.read_utf8, lambda path: list(readers.read_lines(path))):
        with pytest.raises(DataError) as caught:
            read(path)
        assert str(caught.value).endswith(f". {cure}")


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_a_zip_of_one_file_is_that_file(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.txt.zip", {"week/": b"", "week/../../a.txt": LINES})
    assert readers.read_bytes(path) == LINES
    assert readers.plain_suffix(path) == ".txt"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.txt.zip"]  # nothing is unpacked


@pytest.mark.parametrize("members", [{}, {"a.txt": b"a", "b.txt": b"b"}])
def test_a_zip_of_several_files_or_none_is_refused(
    tmp_path: Path, members: dict[str, bytes]
) -> None:
    path = zipped(tmp_path / "a.zip", members)
    assert refused(path).startswith(f": holds {len(members)} files")


def test_a_zip_that_is_damaged_or_locked_is_refused(tmp_path: Path) -> None:
    content = zipped(tmp_path / "a.zip", {"a.txt": LINES}).read_bytes()
    for damaged in (content[:-30], content[:60] + b"\xff\xff\xff" + content[63:], b"no zip"):
        assert ": damaged or cut short after byte " in refused(write(tmp_path, damaged, ".zip"))
    locked = bytearray(content)
    for place in (6, content.index(b"PK\1\2") + 8):  # the flag of a password
        locked[place] |= 1
    assert ": cannot be decompressed: " in refused(write(tmp_path, bytes(locked), ".zip"))


def test_a_zip_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_RATIO_FROM", 1 << 20)
    path = zipped(tmp_path / "a.zip", {"a.txt": bytes(20 << 20)})
    assert "grows to more than 200 times its size" in refused(path)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("\ufeffCafé".encode(), "Café"),
        (b"Caf\xe9 \x93x\x94", "Café “x”"),
        (b"Caf\xe9 \x81", "Café \x81"),
    ],
)
def test_encodings(data: bytes, text: str) -> None:
    assert readers.decode_western(data, "a") == text


def test_a_zero_byte_is_no_text() -> None:
    with pytest.raises(DataError, match="a: not a text: byte 2 is zero"):
        readers.decode_western(b"ab\0", "a")

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from domainbert.errors import DataError
from domainbert.plugin.domain import Sentence
from domainbert.tasks.readers.columns import read_columns, to_iob2


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "set.tsv"


def read(path: Path, content: str) -> list[Sentence]:
    path.write_bytes(content.encode())
    return list(read_columns(path))


def sentence(words: str, tags: str) -> Sentence:
    return Sentence(tuple(words.split(" ")), tuple(tags.split(" ")))


TWO = [sentence("The keeper left", "O B-ROLE O"), sentence("Dawn", "B-TIME")]


@pytest.mark.parametrize(
    "content",
    [
        "\n\nThe\tO\nkeeper\tB-ROLE\nleft\tO\n\n \t \n\nDawn\tB-TIME\n\n\n",
        "The\tO\r\nkeeper\tB-ROLE\r\nleft\tO\r\n\r\nDawn\tB-TIME\r\n",
        "\ufeffThe\tO\nkeeper\tB-ROLE\nleft\tO\n\nDawn\tB-TIME\n",
        "The  DT   O\nkeeper NN B-ROLE \nleft VB O\n\nDawn NN B-TIME\n",
        "-DOCSTART- O\n\nThe O\nkeeper B-ROLE\nleft O\n-DOCSTART- -X- O\nDawn B-TIME\n",
    ],
)
def test_ways_of_writing_the_same_two_sentences(path: Path, content: str) -> None:
    assert read(path, content) == TWO


@pytest.mark.parametrize("word", ["10\u00a0mg", "a b", "x\u2028y", "x\x0cy", "\ufeffx", "#", '"'])
def test_before_a_tab_stands_one_word_whatever_is_in_it(path: Path, word: str) -> None:
    assert read(path, f"The\tO\n{word}\tB-X\n") == [Sentence(("The", word), ("O", "B-X"))]


NO_TAG = "expected a word and a tag, separated by a tab or a blank, found"
SCHEME = " This looks like BIOES or BILOU; convert E- and L- to I-, S- and U- to B-."


@pytest.mark.parametrize(
    ("line", "message"),
    [
        *((line, f"3: {NO_TAG} {line!r}.") for line in ("keeper", "keeper\t", "\tO", " \tO")),
        *((f"x\t{tag}", f"3: unknown tag {tag!r}; expected O, B-TYPE or I-TYPE (IOB2).{hint}")
          for tag, hint in (("X", ""), ("I-", ""), ("E-X", SCHEME), ("U-X", SCHEME))),
        (b"na\xefve\tO", "3:3: not UTF-8 (byte 0xef)"),
    ],
)  # fmt: skip
def test_a_bad_line_is_named(path: Path, line: str | bytes, message: str) -> None:
    path.write_bytes(b"The\tO\n\n" + (line if isinstance(line, bytes) else line.encode()))
    with pytest.raises(DataError) as caught:
        list(read_columns(path))
    assert str(caught.value).startswith(f"{path}:{message}")


@pytest.mark.parametrize(
    ("tags", "expected", "repaired"),
    [
        ("B-X I-Y I-Y", "B-X B-Y I-Y", 1),
        ("I-X O I-X", "B-X O B-X", 2),
    ],
)
def test_a_mention_without_b_is_repaired_and_counted(
    tags: str, expected: str, repaired: int
) -> None:
    words, counts = " ".join("w" for _ in tags.split()), Counter[str]()
    assert to_iob2(sentence(words, tags), counts) == sentence(words, expected)
    assert counts["repaired"] == repaired

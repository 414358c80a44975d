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


def read(path: Path, content: str | bytes) -> list[Sentence]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return list(read_columns(path))


def refused(path: Path, content: str | bytes) -> str:
    with pytest.raises(DataError) as caught:
        read(path, content)
    return str(caught.value).replace(str(path), "set.tsv")


def sentence(words: str, tags: str) -> Sentence:
    return Sentence(tuple(words.split(" ")), tuple(tags.split(" ")))


TWO = [sentence("The keeper left", "O B-ROLE O"), sentence("Dawn", "B-TIME")]


@pytest.mark.parametrize(
    "content",
    [
        "The\tO\nkeeper\tB-ROLE\nleft\tO\n\nDawn\tB-TIME\n",
        "The\tO\nkeeper\tB-ROLE\nleft\tO\n\nDawn\tB-TIME",
        "\n\nThe\tO\nkeeper\tB-ROLE\nleft\tO\n\n \t \n\nDawn\tB-TIME\n\n\n",
        "The\tO\r\nkeeper\tB-ROLE\r\nleft\tO\r\n\r\nDawn\tB-TIME\r\n",
        "\ufeffThe\tO\nkeeper\tB-ROLE\nleft\tO\n\nDawn\tB-TIME\n",
        "The O\nkeeper B-ROLE\nleft O\n\nDawn B-TIME\n",
        "The  DT   O\nkeeper NN x B-ROLE \nleft VB O\n\nDawn NN B-TIME\n",
        "The\tDT\tO\nkeeper\tNN\tB-ROLE\nleft\tVB\tO\n\nDawn\t\tB-TIME\n",
        "-DOCSTART- O\n\nThe O\nkeeper B-ROLE\nleft O\n-DOCSTART- -X- O\nDawn B-TIME\n",
    ],
    ids=[
        "tabs", "no end of line", "blank lines", "CRLF", "byte-order mark", "blanks",
        "more columns, blanks", "more columns, tabs", "DOCSTART",
    ],
)  # fmt: skip
def test_ways_of_writing_the_same_two_sentences(path: Path, content: str) -> None:
    assert read(path, content) == TWO


def test_an_empty_file_has_no_sentence(path: Path) -> None:
    assert read(path, "") == read(path, "\n\n") == read(path, "-DOCSTART-\tO\n") == []


@pytest.mark.parametrize(
    "word",
    ["10\u00a0mg", "a b", "x\u2028y", "x\x85y", "x\x0cy", "\ufeffx", "\U0001f642", "O", "#", '"'],
)
def test_before_a_tab_stands_one_word_whatever_is_in_it(path: Path, word: str) -> None:
    assert read(path, f"The\tO\n{word}\tB-X\nend\tO\n") == [
        Sentence(("The", word, "end"), ("O", "B-X", "O"))
    ]


@pytest.mark.parametrize("line", ["keeper", "keeper\t", "\tO", " \tO", "keeper\t "])
def test_a_line_without_word_or_tag_is_named(path: Path, line: str) -> None:
    assert refused(path, f"The\tO\n\n{line}\nleft\tO\n") == (
        f"set.tsv:3: expected a word and a tag, separated by a tab or a blank, found {line!r}."
    )


@pytest.mark.parametrize("tag", ["X", "B", "I-", "o", "B_X", "0", "B-A B", "NN"])
def test_an_unknown_tag_is_named(path: Path, tag: str) -> None:
    assert refused(path, f"The\tO\nkeeper\t{tag}\n") == (
        f"set.tsv:2: unknown tag {tag!r}; expected O, B-TYPE or I-TYPE (IOB2)."
    )


@pytest.mark.parametrize("tag", ["E-X", "S-X", "L-X", "U-X", "M-X"])
def test_another_tag_scheme_is_named_with_a_way_out(path: Path, tag: str) -> None:
    assert refused(path, f"The\tO\nkeeper\t{tag}\n") == (
        f"set.tsv:2: unknown tag {tag!r}; expected O, B-TYPE or I-TYPE (IOB2). This looks like "
        "BIOES or BILOU; convert E- and L- to I-, S- and U- to B-."
    )


def test_bytes_that_are_not_utf8_are_named_with_their_line(path: Path) -> None:
    message = refused(path, b"The\tO\nna\xefve\tO\n")
    assert message.startswith("set.tsv:2:3: not UTF-8 (byte 0xef)")


@pytest.mark.parametrize(
    ("tags", "expected", "repaired"),
    [
        ("B-X I-X O", "B-X I-X O", 0),
        ("I-X I-X O", "B-X I-X O", 1),
        ("O I-X I-X", "O B-X I-X", 1),
        ("B-X I-Y I-Y", "B-X B-Y I-Y", 1),
        ("I-X O I-X", "B-X O B-X", 2),
        ("I-X B-X I-X", "B-X B-X I-X", 1),
        ("I-X I-Y I-X", "B-X B-Y B-X", 3),
        ("O O", "O O", 0),
    ],
)
def test_a_mention_that_begins_with_i_is_repaired_and_counted(
    tags: str, expected: str, repaired: int
) -> None:
    words = " ".join("w" for _ in tags.split())
    counts: Counter[str] = Counter()
    assert to_iob2(sentence(words, tags), counts) == sentence(words, expected)
    assert counts["repaired"] == repaired

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from helpers.tasks import labelled

from domainbert.errors import DataError
from domainbert.plugin.records import Sentence
from domainbert.tasks.readers.columns import read_columns, to_iob2


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "set.tsv"


def read(path: Path, content: str) -> list[Sentence]:
    path.write_bytes(content.encode())
    return list(read_columns(path, labelled("tagging")))


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
SCHEMES = "expected O, B-TYPE or I-TYPE, or the E-, S-, L-, U- of IOBES and BILUO."
SPEECH = " It is a part of speech: set `tag_column` to that of the tags."
NO_TYPE = "has no type. Name it with `labels: [TYPE]`."


@pytest.mark.parametrize(
    ("line", "message"),
    [
        *((line, f"3: {NO_TAG} {line!r}.") for line in ("keeper", "keeper\t", "\tO", " \tO")),
        *((f"x\t{tag}", f"3: unknown tag {tag!r}; {SCHEMES}{hint}")
          for tag, hint in (("PER", ""), ("I-", ""), ("Q-X", ""), ("NN", SPEECH))),
        ("x\tB", f"3: the tag 'B' {NO_TYPE}"),
        ("1|t|A title", f"3: unknown tag 'title'; {SCHEMES} This looks like PubTator: set `for"),
        ('{"text":"x"}', f"3: {NO_TAG} '{{\"text\":\"x\"}}'. This looks like JSON lines: name"),
        *((f"x{sign}O\rkeeper{sign}B-ROLE\r", "3: a lone carriage return. Save the file with new")
          for sign in "\t "),
        (b"na\xefve\tO", "3:3: not UTF-8 (byte 0xef)"),
    ],
)  # fmt: skip
def test_a_bad_line_is_named(path: Path, line: str | bytes, message: str) -> None:
    path.write_bytes(b"The\tO\n\n" + (line if isinstance(line, bytes) else line.encode()))
    with pytest.raises(DataError) as caught:
        list(read_columns(path, labelled("tagging")))
    assert str(caught.value).startswith(f"{path}:{message}")


@pytest.mark.parametrize(
    ("tags", "expected", "repaired"),
    [
        ("B-X I-Y I-Y", "B-X B-Y I-Y", 1),
        ("I-X O I-X", "B-X O B-X", 2),
        ("I-X I-X B-X I-X", "B-X I-X B-X I-X", 1),  # IOB1
        ("S-X S-X B-X M-X E-X B-Y E-Y O", "B-X B-X B-X I-X I-X B-Y I-Y O", 0),  # IOBES, BMES
        ("U-X B-X I-X L-X L-X", "B-X B-X I-X I-X B-X", 1),  # BILUO, with a stray last word
        ("E-X I-X", "B-X B-X", 2),
    ],
)
def test_schemes_become_iob2_and_what_opens_without_b_is_counted(
    tags: str, expected: str, repaired: int
) -> None:
    words, counts = " ".join("w" for _ in tags.split()), Counter[str]()
    assert to_iob2(sentence(words, tags), counts) == sentence(words, expected)
    assert counts["repaired"] == repaired


def in_columns(path: Path, content: str, **how: Any) -> list[Sentence]:
    path.write_text(content)
    return list(read_columns(path, labelled("tagging", *how.pop("labels", ()), **how)))


def test_tags_without_a_type_get_the_one_label(path: Path) -> None:
    content = "The\tO\nkeeper\tB\nleft\tI\n"
    assert in_columns(path, content, labels=("ROLE",)) == [
        sentence("The keeper left", "O B-ROLE I-ROLE")
    ]
    with pytest.raises(DataError, match=":2: the tag 'B' has no type"):
        in_columns(path, content, labels=("ROLE", "TIME"))


@pytest.mark.parametrize(
    ("content", "how"),
    [
        ("1 The x O\n2 keeper x B-ROLE\n", {"columns": {"words": 2}}),
        ("O The x\nB-ROLE keeper x\n", {"columns": {"words": 2, "tags": 1}}),
        ("x O The\nx B-ROLE keeper\n", {"columns": {"words": -1, "tags": -2}}),
        ("The|O\nkeeper|B-ROLE\n", {"separator": "|"}),
        ("The , O\nkeeper,B-ROLE\n", {"separator": ","}),
        ("Tag\tWord\nO\tThe\nB-ROLE\tkeeper\n", {"columns": {"words": "Word", "tags": "Tag"}}),
    ],
)
def test_columns_are_named_and_separated_as_the_recipe_says(
    path: Path, content: str, how: dict[str, Any]
) -> None:
    assert in_columns(path, content, **how) == [sentence("The keeper", "O B-ROLE")]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"words": 3}, ":1: no column 3; there are 2."),
        ({"tags": 0}, ":1: no column 0; there are 2."),
        ({"tags": "Tag"}, ":1: no column 'Tag'; the first line has The, O. Give the number"),
    ],
)
def test_a_column_that_is_not_there_is_named(
    path: Path, columns: dict[str, Any], message: str
) -> None:
    with pytest.raises(DataError) as caught:
        in_columns(path, "The\tO\n", columns=columns)
    assert str(caught.value).startswith(f"{path}{message}")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("1 The O\n2 keeper B-X\n\n1 It O\n", "numbers alone, as 1, 2, 3"),
        ("Sentence: 0\tThe\tO\nSentence: 0\tkeeper\tB-X\n\nSentence: 1\tIt\tO\n", "numbers"),
        ("T1 The O\nT2 keeper B-X\n", "numbers alone"),
        ("0-1 The O\n2-8 keeper B-X\n", "numbers alone"),
        ("1.0 The O\n2.0 keeper B-X\n", "numbers alone"),
        ("doc0.txt The O\ndoc0.txt keeper B-X\n\ndoc1.txt It O\n", "numbers alone"),
        ("".join(f"{n} The O\n" for n in range(20)) + "- keeper B-X\n", "numbers alone"),
        ("a The O\na keeper B-X\n\nb It O\n", "the same in all lines of a sentence"),
        ("DT O\nNN B-X\nVBD O\n. O\n", "parts of speech"),
    ],
)
def test_a_column_of_no_words_is_refused_unless_it_was_named(
    path: Path, content: str, message: str
) -> None:
    with pytest.raises(DataError, match=f"first column has {message}.*Set `word_column: 2`"):
        in_columns(path, content)
    assert in_columns(path, content, columns={"words": 1})


@pytest.mark.parametrize(
    "content",
    [
        "IL2 NN B-X\np53 NN B-X\nbinds VB O\n",
        "No UH O\n\nNo UH O\n",
        "ha UH O\nha UH O\nno UH O\n",
    ],
)
def test_words_with_numbers_and_repeated_words_are_words(path: Path, content: str) -> None:
    assert in_columns(path, content)


def test_a_header_is_called_one(path: Path) -> None:
    path.write_text("word\tner_tag\nThe\tO\n")
    with pytest.raises(DataError, match=r":1: unknown tag 'ner_tag'.* as `tag_column: ner_tag`\."):
        list(read_columns(path, labelled("tagging")))


def test_conllu_has_comments_and_lines_of_several_words(path: Path) -> None:
    content = (
        "# text = Ana doesn't\n1\tAna\tAna\tPROPN\tNER=B-PER|SpaceAfter=No\n"
        "2-3\tdoesn't\t_\t_\t_\n2\tdoes\tdo\tAUX\t_\n3\tn't\tnot\tPART\tNER=O\n"
        "3.1\tgone\t_\t_\t_\n"
    )
    path.write_text(content)
    assert list(read_columns(path, labelled("tagging"), True)) == [
        sentence("Ana does n't", "B-PER O O")
    ]


@pytest.mark.parametrize("line", ["2 leaks O", "x\tleaks\tO"])
def test_a_line_of_conllu_that_has_no_number_is_refused(path: Path, line: str) -> None:
    path.write_text(f"1\tPump\tB-X\n{line}\n3\tnow\tO\n")
    with pytest.raises(DataError, match=":2: expected a number, a tab and the word"):
        list(read_columns(path, labelled("tagging"), True))


def test_conllu_values_are_taken_by_their_name(path: Path) -> None:
    path.write_text("1\tPump\tner=B-X|SpaceAfter=No\n2\tnow\tEntity=B-X=1\n")
    assert list(read_columns(path, labelled("tagging"), True)) == [
        sentence("Pump now", "B-X B-X=1")
    ]


def test_numbers_of_tags_are_named(path: Path) -> None:
    names = ("O", "B-ROLE")
    assert in_columns(path, "The\t0\nkeeper\t1\n", label_names=names) == [
        sentence("The keeper", "O B-ROLE")
    ]

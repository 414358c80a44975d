from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from domainbert import DataError, Sentence
from domainbert_finance.sec_ner import LABELS, read_sec_ner

START = "-DOCSTART- -X- O O\n\n"
TWO = START + "Ann NNP - I-PER\nLee NNP - I-PER\nsold VBD - O\n\n" + START + "Oslo NNP - I-LOC\n"
COUNTS = {
    "train": ("FIN5.train.txt", 892, 33905, (743, 216, 142, 7)),
    "validation": ("FIN5.train.txt", 272, 7105, (4, 27, 29, 0)),
    "test": ("FIN3.test.txt", 303, 13246, (216, 56, 39, 7)),
}


def test_io_becomes_iob2_and_documents_are_shared_out(write: Callable[..., Path]) -> None:
    first = Sentence(("Ann", "Lee", "sold"), ("B-PER", "I-PER", "O"))
    second = Sentence(("Oslo",), ("B-LOC",))
    path = write("a.txt", TWO)
    assert list(read_sec_ner(path, "test")) == [first, second]
    parts = [list(read_sec_ner(path, split)) for split in ("train", "validation")]
    assert sorted(parts, key=len) in ([[first], [second]], [[second], [first]])


def test_types_that_meet_are_cut_and_sentences_end_mentions(write: Callable[..., Path]) -> None:
    path = write("a.txt", START + "Ann NN - I-PER\nAcme NN - I-ORG\n\nAcme NN - I-ORG\r\n")
    assert [sentence.tags for sentence in read_sec_ner(path, "test")] == [
        ("B-PER", "B-ORG"),
        ("B-ORG",),
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (START + "Ann NNP - I-DOG\n", r"a\.txt:3: expected a word, its part of speech"),
        (START + "Ann NNP - B-PER\n", r"a\.txt:3: expected a word"),
        (START + "Ann\tI-PER\n", r"a\.txt:3: expected a word"),
        ("Ann NNP - I-PER\n", r"a\.txt:1: expected a -DOCSTART- line"),
        (START.encode() + b"Jos\xe9 NNP - I-PER\n", r"a\.txt:3:4: not UTF-8"),
    ],
    ids=["label", "scheme", "columns", "start", "latin"],
)
def test_malformed_lines(write: Callable[..., Path], content: str | bytes, said: str) -> None:
    with pytest.raises(DataError, match=said):
        list(read_sec_ner(write("a.txt", content), "test"))


def test_one_document_cannot_be_shared_out(write: Callable[..., Path]) -> None:
    path = write("a.txt", START + "Ann NNP - I-PER\n")
    with pytest.raises(DataError, match=r"a\.txt: 1 document"):
        list(read_sec_ner(path, "train"))


@pytest.mark.parametrize("split", COUNTS)
def test_counts_of_the_real_files(split: str, real: Callable[[str], Path]) -> None:
    name, sentences, words, mentions = COUNTS[split]
    found = list(read_sec_ner(real(f"sec_ner/{name}"), split))
    tags = Counter(tag for sentence in found for tag in sentence.tags)
    assert (len(found), sum(len(sentence.words) for sentence in found)) == (sentences, words)
    assert tuple(tags[f"B-{label}"] for label in LABELS) == mentions


def test_the_splits_are_the_whole_files(real: Callable[[str], Path]) -> None:
    raw = real("sec_ner/FIN5.train.txt").read_text(encoding="utf-8")
    words = re.findall(r"(?m)^(?!-DOCSTART-)(\S+) ", raw)
    path = real("sec_ner/FIN5.train.txt")
    read = [
        word
        for split in ("train", "validation")
        for sentence in read_sec_ner(path, split)
        for word in sentence.words
    ]
    assert Counter(read) == Counter(words)
    assert sum(n[1] for n in COUNTS.values()) == 1164 + 303

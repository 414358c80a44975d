from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from domainbert_finance import domainbert_commands
from domainbert_finance.domain import PACKAGE
from domainbert_finance.tone import CLASSES, Tone, read_tone_words, tone_counts

TEXT = "Sales fell; a LOSS may follow, counsel said. Growth: 12 % must wait."


def app():
    import typer

    made = typer.Typer()
    domainbert_commands(made)
    return made


def test_words_have_one_class_each_and_the_header_says_how_the_list_was_made() -> None:
    lines = (PACKAGE / "tone.txt").read_text(encoding="utf-8").splitlines()
    words = [w for line in lines if line[0] != "#" for w in line.partition(":")[2].split()]
    assert [word for word, n in Counter(words).items() if n > 1] == []
    assert list(read_tone_words()) == words
    assert set(read_tone_words().values()) == set(CLASSES)
    assert all(re.fullmatch(r"[a-z]+", word) for word in words)
    assert "Written by hand for this project" in " ".join(lines[:5])
    assert "CC0-1.0" in " ".join(lines[:5])


def test_counts_by_class() -> None:
    expected = {"negative": 2, "positive": 1, "uncertain": 1, "litigious": 1, "constraining": 1}
    assert tone_counts(TEXT) == Tone(11, expected)
    assert tone_counts("") == Tone(0, dict.fromkeys(CLASSES, 0))


def test_a_word_is_counted_whole() -> None:
    assert tone_counts("glossy losses loss-making lost's").counts["negative"] == 1


@pytest.mark.parametrize("name", ["report.txt", "report.txt.gz"])
def test_the_command_counts(write: Callable[..., Path], name: str) -> None:
    packed = gzip.compress(TEXT.encode()) if name.endswith(".gz") else TEXT
    path = write(name, packed)
    done = CliRunner().invoke(app(), ["finance", "tone", str(path), "--json"])
    assert done.exit_code == 0
    assert json.loads(done.stdout) == {"words": 11, "counts": tone_counts(TEXT).counts}
    done = CliRunner().invoke(app(), ["finance", "tone", str(path)])
    assert done.stdout.splitlines()[0].split() == ["negative", "2", "18.18", "%"]
    assert done.stdout.splitlines()[-1].split() == ["all", "words", "11"]


def test_an_empty_file_has_no_tone(write: Callable[..., Path]) -> None:
    done = CliRunner().invoke(app(), ["finance", "tone", str(write("empty.txt", ""))])
    assert done.stdout.splitlines()[1].split() == ["positive", "0", "0.00", "%"]


def test_the_sample_is_worded_as_it_is_labelled() -> None:
    found = {}
    for split in ("train", "validation", "test"):
        path = PACKAGE / "sample" / "tone" / f"{split}.tsv"
        for row in path.read_text(encoding="utf-8").splitlines()[1:]:
            text, label = row.split("\t")
            counts = tone_counts(text).counts
            side = counts["positive"] - counts["negative"]
            found.setdefault(label, Counter())[(side > 0) - (side < 0)] += 1
    assert found["positive"][1] > found["positive"][-1]
    assert found["negative"][-1] > found["negative"][1]
    assert found["neutral"][0] > 60

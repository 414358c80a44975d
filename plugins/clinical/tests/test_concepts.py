from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from domainbert import DataError
from domainbert_clinical.concepts import read_concepts

TEXT = "Chief Complaint :\nHe has Chest  pain and takes aspirin .\n\nCT was normal .\n"
CONCEPTS = (
    'c="chest pain" 2:2 2:3||t="problem"\n'
    'c="aspirin" 2:6 2:6||t="treatment"\n'
    'c="ct" 4:0 4:0||t="test"\n'
)


def read(path: Path) -> tuple[list[tuple[str, str]], Counter[str]]:
    counts, found = Counter[str](), []
    for sentence in read_concepts(path, None, counts):  # type: ignore[arg-type]
        pairs = zip(sentence.words, sentence.tags, strict=True)
        found += [(word, tag) for word, tag in pairs if tag != "O"]
    return found, +counts


def test_concepts_of_a_file_beside_its_text(written: Any) -> None:
    written("record-1.txt", TEXT)
    assert read(written("record-1.con", CONCEPTS)) == (
        [
            ("Chest", "B-problem"),
            ("pain", "I-problem"),
            ("aspirin", "B-treatment"),
            ("CT", "B-test"),
        ],
        {},
    )


def test_a_folder_with_texts_in_another_one(written: Any, tmp_path: Path) -> None:
    written("beth/txt/record-1.txt", TEXT)
    written("beth/concept/record-1.con", CONCEPTS)
    assert len(read(tmp_path)[0]) == 4
    written("beth/txt/record-2.txt", TEXT)
    found, counts = read(tmp_path)
    assert (len(found), counts) == (4, {"texts_without_concepts": 1})


def test_wrong_places_are_counted_and_left_out(written: Any) -> None:
    written("a.txt", TEXT)
    path = written(
        "a.con",
        CONCEPTS
        + 'c="no pain" 2:4 2:5||t="problem"\n'  # other words
        + 'c="aspirin ." 2:6 2:9||t="treatment"\n'  # behind the end
        + 'c="normal" 9:0 9:0||t="test"\n'  # no such line
        + 'c="pain" 2:3 2:3||t="problem"\n'  # inside another
        + 'c="a b" 1:0 2:0||t="test"\n',
    )
    found, counts = read(path)
    assert len(found) == 4
    assert counts == {"wrong_offsets": 3, "overlapping": 1, "across_lines": 1}


def test_malformed_lines_and_missing_files_are_refused(written: Any, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"no \.con file in this folder"):
        read(tmp_path / "empty")
    path = written("a.con", CONCEPTS)
    with pytest.raises(DataError, match=r"a\.con: no text for it"):
        read(path)
    written("a.txt", TEXT)
    with pytest.raises(DataError, match=r"a\.con:2: malformed line 'chest pain'"):
        read(written("a.con", 'c="ct" 4:0 4:0||t="test"\nchest pain\n'))

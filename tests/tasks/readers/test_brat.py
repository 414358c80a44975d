from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from helpers.tasks import labelled

from domainbert.errors import DataError
from domainbert.plugin.records import Sentence
from domainbert.tasks.kinds.tagging import TAGGING
from domainbert.tasks.read import read_records

TEXT = "The old pump leaks.\nSeals of type A and B.\n"
NOTES = (
    "T1\tPart 4 12\told pump\nT2\tKind 20 28;40 41\tSeals of B\nR1\tHas Arg1:T1 Arg2:T2\n"
    "#1\tAnnotatorNotes T1\tsure\n"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "deep").mkdir()
    for name in ("b", "deep/a"):
        (tmp_path / f"{name}.txt").write_text(TEXT)
        (tmp_path / f"{name}.ann").write_text(NOTES)
    (tmp_path / "annotation.conf").write_text("[entities]\nPart\nKind\n")
    return tmp_path


def test_a_folder_of_texts_and_notes_is_a_split(folder: Path) -> None:
    counts = Counter[str]()
    found = read_records(TAGGING, labelled("tagging"), folder, counts)
    one = [
        Sentence(("The", "old", "pump", "leaks", "."), ("O", "B-Part", "I-Part", "O", "O")),
        Sentence(
            ("Seals", "of", "type", "A", "and", "B", "."),
            ("B-Kind", *["I-Kind"] * 4, "I-Kind", "O"),
        ),
    ]
    assert found == [*one, *one]
    assert +counts == {"relations": 4, "discontinuous": 2}


@pytest.mark.parametrize(
    ("notes", "message"),
    [
        ("T1\tPart 4 12\tnew pump\n", "b.ann:1: offsets 4 to 12 enclose 'old pump', the file says"),
        ("T1\tKind 20 28;40 41\tSeals of A\n", "b.ann:1: offsets 20 to 41 enclose 'Seals of type"),
        ("T1\tPart 4\told\n", "b.ann:1: malformed line"),
        ("T1 Part 4 12 old pump\n", "b.ann:1: malformed line"),
    ],
)
def test_a_wrong_note_is_named(folder: Path, notes: str, message: str) -> None:
    (folder / "b.ann").write_text(notes)
    with pytest.raises(DataError, match=message.replace("(", "\\(")):
        read_records(TAGGING, labelled("tagging"), folder, Counter())


def test_notes_without_their_text_and_folders_without_notes_are_refused(folder: Path) -> None:
    (folder / "b.txt").unlink()
    with pytest.raises(DataError, match=r"b\.txt: no such file"):
        read_records(TAGGING, labelled("tagging"), folder, Counter())
    empty = folder / "empty"
    empty.mkdir()
    with pytest.raises(DataError, match=r"empty: no \.ann file in this folder"):
        read_records(TAGGING, labelled("tagging", format="brat"), empty, Counter())


def test_a_text_without_notes_and_a_link_to_elsewhere_are_refused_and_hidden_files_are_not(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    (folder / "._b.ann").write_bytes(b"\xff")
    (folder / "c.txt").write_text("Nothing.")
    with pytest.raises(DataError, match=r"c\.txt: has no \.ann beside it"):
        read_records(TAGGING, labelled("tagging"), folder, Counter())
    away = tmp_path_factory.mktemp("away") / "c.ann"
    away.write_text("")
    (folder / "c.ann").symlink_to(away)
    with pytest.raises(DataError, match=r"c\.ann: a link to a file outside"):
        read_records(TAGGING, labelled("tagging"), folder, Counter())

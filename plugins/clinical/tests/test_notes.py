from __future__ import annotations

import gzip
from typing import Any

import pytest

from domainbert import DataError, Document
from domainbert_clinical.notes import read_aci_bench, read_notes

MIMIC_3 = (
    '"ROW_ID","SUBJECT_ID","HADM_ID","CATEGORY","DESCRIPTION","ISERROR","TEXT"\n'
    '11,7,90,"Discharge summary","Report",,"Admission Date: [**2151-7-16**]\n\nHe said ""ow""."\n'
    '12,7,90,"Nursing","Report",1,"Charted on the wrong patient."\n'
    '13,8,91,"Nursing","Report",1.0,"Also wrong."\n'
    '14,8,91,"Nursing","Report",0,"Slept well."\n'
)


def test_a_text_file_is_one_note(written: Any) -> None:
    path = written("visit.txt", "HPI: cough.\nPlan: rest.\n")
    assert list(read_notes(path)) == [
        Document("visit.txt", "HPI: cough.\nPlan: rest.\n", "visit.txt")
    ]


def test_mimic_3_rows_are_notes_and_errors_come_without_text(written: Any) -> None:
    found = list(read_notes(written("NOTEEVENTS.csv", MIMIC_3)))
    assert [(note.id, note.text) for note in found] == [
        ("11", 'Admission Date: [**2151-7-16**]\n\nHe said "ow".'),
        ("12", ""),
        ("13", ""),
        ("14", "Slept well."),
    ]
    assert [note.source.endswith(" ISERROR") for note in found] == [False, True, True, False]


def test_errors_are_counted_by_the_first_step_of_the_domain(written: Any, passed: Any) -> None:
    texts, counts = passed("note-sections", *read_notes(written("NOTEEVENTS.csv", MIMIC_3)))
    assert len(texts) == 2
    assert counts.reasons["error_notes"] == 2


def one_row(written: Any, mark: str, header: str = "ROW_ID,ISERROR,TEXT") -> Any:
    return written("NOTEEVENTS.csv", f"{header}\n12,{mark},Charted on the wrong patient.\n")


@pytest.mark.parametrize(
    "header", ["ROW_ID,ISERROR,TEXT", "row_id,iserror,text", "ID,IsError ,Text"]
)
@pytest.mark.parametrize(
    ("mark", "is_error"),
    [
        *((said, True) for said in ("1", "1.0", "1.00", "True", "true", "TRUE", "T", "t", "Y")),
        *((said, True) for said in ("y", "Yes", "yes", " yes ")),
        *((said, False) for said in ("", " ", "0", "0.0", "False", "false", "F", "f", "N", "n")),
        *((said, False) for said in ("No", "no", "nan", "NaN", "NULL", "None", "NA", r"\N")),
    ],
)
def test_marks_of_errors_in_every_spelling(
    written: Any, header: str, mark: str, is_error: bool
) -> None:
    (note,) = read_notes(one_row(written, mark, header))
    assert note.source.endswith(" ISERROR") == is_error
    assert note.text == ("" if is_error else "Charted on the wrong patient.")


@pytest.mark.parametrize("mark", ["2", "-1", "1.5", "X", "maybe", "wrong patient", "10", "01"])
def test_a_mark_that_says_neither_is_refused_with_its_line(written: Any, mark: str) -> None:
    said = rf"NOTEEVENTS\.csv:2: ISERROR is '{mark}'\. Expected 1, .* or 0, .* Correct the cell"
    with pytest.raises(DataError, match=said):
        list(read_notes(one_row(written, mark)))


@pytest.mark.parametrize(
    ("header", "names"),
    [
        ("id,TEXT,text", "'TEXT' and 'text'"),
        ("id,Text ,text", "'Text ' and 'text'"),
        ("text,ISERROR,iserror", "'ISERROR' and 'iserror'"),
        ("text,Note_ID,note_id", "'Note_ID' and 'note_id'"),
    ],
)
@pytest.mark.parametrize("read", [read_notes, read_aci_bench])
def test_columns_that_capitals_alone_tell_apart_are_refused(
    written: Any, header: str, names: str, read: Any
) -> None:
    if read is read_aci_bench:
        header, names = (
            said.replace("TEXT", "NOTE").replace("Text", "Note").replace("text", "note")
            for said in (header, names)
        )
    path = written("a.csv", f"{header}\n1,2,3\n")
    with pytest.raises(DataError, match=rf"a\.csv:1: the columns {names} have one name"):
        list(read(path))


def test_columns_that_are_not_read_may_differ_in_capitals_alone(written: Any) -> None:
    path = written("a.csv", "text,Ward,ward\nSlept well.,1,2\n")
    assert [note.text for note in read_notes(path)] == ["Slept well."]


def test_mimic_4_and_other_orders_of_columns(written: Any) -> None:
    text = "text,subject_id,note_id\nName: ___ was seen.,7,7-DS-1\n"
    path = written("discharge.csv.gz", "")
    path.write_bytes(gzip.compress(text.encode()))
    assert [(note.id, note.text) for note in read_notes(path)] == [
        ("7-DS-1", "Name: ___ was seen.")
    ]


@pytest.mark.parametrize("read", [read_notes, read_aci_bench])
def test_a_table_without_notes_is_refused_with_its_columns(written: Any, read: Any) -> None:
    path = written("a.csv", "ROW_ID,BODY\n1,Text.\n")
    with pytest.raises(DataError, match=r"a\.csv:1: no column '(TEXT|NOTE)' .* names ROW_ID, BODY"):
        list(read(path))


def test_other_bytes_and_other_suffixes_are_refused(tmp_path: Any) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"Temp 38\xb0")
    with pytest.raises(DataError, match=r"a\.txt:1:8: not UTF-8"):
        list(read_notes(path))
    with pytest.raises(DataError, match="expected notes in"):
        list(read_notes(tmp_path / "a.pdf"))


def test_a_row_that_does_not_fit_is_refused(written: Any) -> None:
    path = written("a.csv", "ROW_ID,TEXT\n1,One, two.\n")
    with pytest.raises(DataError, match=r"a\.csv:2: expected 2 columns"):
        list(read_notes(path))


def test_aci_bench_gives_the_notes(written: Any) -> None:
    path = written(
        "train.csv",
        "dataset,encounter_id,dialogue,note\n"
        'virtassist,D2N001,"[doctor] hi\n[patient] hello","CHIEF COMPLAINT\n\nKnee pain."\n',
    )
    assert [(note.id, note.text) for note in read_aci_bench(path)] == [
        ("D2N001", "CHIEF COMPLAINT\n\nKnee pain.")
    ]

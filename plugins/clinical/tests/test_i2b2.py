from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from domainbert import DataError, Task
from domainbert_clinical.deid import read_deid
from domainbert_clinical.i2b2 import MAX_NOTE, read_i2b2, read_records

NOTE = "Record date: 2067-05-03\nMr. Ferris of Mill Lane\nwas seen & felt < 5 pain."
OF_2014 = f"""<?xml version="1.0" encoding="UTF-8" ?>
<deIdi2b2>
<TEXT><![CDATA[{NOTE}]]></TEXT>
<TAGS>
<DATE id="P0" start="13" end="23" text="2067-05-03" TYPE="DATE" comment="" />
<NAME id="P1" start="28" end="34" text="Ferris" TYPE="PATIENT" comment="" />
<LOCATION id="P2" start="38" end="47" text="Mill Lane" TYPE="STREET" comment="" />
<LOCATION id="P3" start="0" end="4" text="Mill" TYPE="STREET" comment="" />
<ASTHMA id="A1" start="-1" end="-1" text="" TYPE="X" comment="" />
</TAGS>
</deIdi2b2>
"""
OF_2006 = """<?xml version="1.0"?>
<ROOT>
<RECORD ID="640">
<TEXT>
Seen by <PHI TYPE="DOCTOR">Quillon Marsh</PHI> on <PHI TYPE="DATE">04/11</PHI> .
</TEXT>
</RECORD>
<RECORD ID="641"><TEXT>Cough &amp; cold.</TEXT></RECORD>
</ROOT>
"""
LAUGHS = """<!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
<RECORD><TEXT>&b;</TEXT></RECORD>"""
OUTSIDE = (
    '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]><RECORD><TEXT>&e;</TEXT></RECORD>'
)


def task(*labels: str) -> Task:
    splits = dict.fromkeys(("train", "validation", "test"), Path())
    return Task("deid", "De-identification", "tagging", "own", "own", "1", splits, labels)


def mentions(path: Path, *labels: str) -> tuple[list[tuple[str, str]], Counter[str]]:
    counts, found = Counter[str](), []
    for sentence in read_deid(path, task(*labels), counts):
        pairs = zip(sentence.words, sentence.tags, strict=True)
        found += [(word, tag) for word, tag in pairs if tag != "O"]
    return found, +counts


def test_the_text_of_one_note(written: Any) -> None:
    (note,) = read_i2b2(written("220-01.xml", OF_2014))
    assert (note.id, note.text, note.source) == ("220-01", NOTE, "220-01.xml")


def test_the_texts_of_records(written: Any) -> None:
    found = list(read_i2b2(written("train.xml", OF_2006)))
    assert [(note.id, note.text.strip()) for note in found] == [
        ("train#640", "Seen by Quillon Marsh on 04/11 ."),
        ("train#641", "Cough & cold."),
    ]


def test_identifiers_are_tagged_by_type_and_wrong_offsets_are_counted(written: Any) -> None:
    found, counts = mentions(written("220-01.xml", OF_2014))
    assert [(word, tag) for word, tag in found if tag.startswith("B-")] == [
        ("2067", "B-DATE"),
        ("Ferris", "B-PATIENT"),
        ("Mill", "B-STREET"),
    ]
    assert counts == {"wrong_offsets": 1, "without_offsets": 1}


def test_declared_categories_are_taken(written: Any) -> None:
    found, _ = mentions(written("220-01.xml", OF_2014), "DATE", "LOCATION", "NAME")
    assert {tag[2:] for _, tag in found} == {"DATE", "LOCATION", "NAME"}


def test_marks_inside_the_text_are_mentions(written: Any) -> None:
    found, counts = mentions(written("train.xml", OF_2006))
    assert found[:3] == [("Quillon", "B-DOCTOR"), ("Marsh", "I-DOCTOR"), ("04", "B-DATE")]
    assert counts == {}


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (LAUGHS, "a.xml:1: refused: its DOCTYPE has an internal subset"),
        (OUTSIDE, "a.xml:1: refused: its DOCTYPE has an internal subset"),
        ('<!DOCTYPE x SYSTEM "x.dtd"><R><TEXT>&a;</TEXT></R>', "refused: the entity 'a' is not"),
        ("<R><TEXT>&a;</TEXT></R>", "a.xml:1: not well-formed XML: undefined entity"),
        ("<R><TEXT>cut", "a.xml:1: not well-formed XML"),
        ("", "a.xml:1: not well-formed XML: no element found"),
        ("<articles><p>x</p></articles>", "a.xml:1: no element TEXT"),
        ("<R>\n<TEXT>a</TEXT>\n<TEXT>b</TEXT></R>", "a.xml:3: a second TEXT in one note"),
        (
            '<R><RECORD ID="7">\n<TEXT>a</TEXT><TEXT>b</TEXT></RECORD></R>',
            "a.xml:2: a second TEXT in one note, record '7'",
        ),
        (
            "<R><RECORD><TEXT>a</TEXT></RECORD>\n<TEXT>b</TEXT></R>",
            "a.xml:2: a TEXT outside a RECORD, in a file with records",
        ),
        (
            "<R><TEXT>b</TEXT>\n<RECORD><TEXT>a</TEXT></RECORD></R>",
            "a.xml:2: a TEXT outside a RECORD, in a file with records",
        ),
        ('<R><RECORD ID="7"><S/>\n</RECORD></R>', "a.xml:2: no element TEXT in record '7'"),
        ('<R><RECORD ID="7">\n<RECORD/></RECORD></R>', "a.xml:2: a RECORD inside record '7'"),
        ('<?xml version="1.0" encoding="EBCDIC-9"?><R/>', "unknown encoding: EBCDIC-9"),
    ],
)
def test_bad_files_are_refused(written: Any, text: str, error: str) -> None:
    with pytest.raises(DataError, match=error):
        list(read_records(written("a.xml", text)))


def test_an_empty_note_is_a_note(written: Any) -> None:
    text = '<R><RECORD ID="1"><TEXT></TEXT></RECORD><RECORD ID="2"><TEXT>b</TEXT></RECORD></R>'
    notes = list(read_records(written("a.xml", text)))
    assert [(note.id, note.text) for note in notes] == [("1", ""), ("2", "b")]


def test_a_note_without_end_is_refused(written: Any) -> None:
    path = written("a.xml", "<R><TEXT>" + "x" * (MAX_NOTE + 1) + "</TEXT></R>")
    with pytest.raises(DataError, match="a note of more than"):
        list(read_records(path))

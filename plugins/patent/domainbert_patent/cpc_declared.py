"""The tasks of abstracts of US patents with their symbols, declared by the hash of their files."""

from __future__ import annotations

from dataclasses import replace

from domainbert import DataFile, Task
from domainbert_patent.cpc_tasks import (
    read_classes,
    read_ipc_subclasses,
    read_later_sections,
    read_sections,
    read_subclasses,
)
from domainbert_patent.symbols import SECTIONS

_FILES = {
    "train": DataFile(
        sha256="b1e0ef8782801868fb4c5e754ac47ff3646dcb4f4cca43b86e1a5c4e2b65cd7b",
        size=1820863,
        name="cpc-abstracts-train.jsonl.gz",
    ),
    "validation": DataFile(
        sha256="5daa97fa6fe4ed24fc2146da71e8d2cc8265f2f6e93000561d231e2ea8dc3fdb",
        size=233576,
        name="cpc-abstracts-dev.jsonl.gz",
    ),
    "test": DataFile(
        sha256="37be80ebc40b57e96ac3895e3cc8d9b99b1ba32aa53cba5ee492a60c32ac221e",
        size=243541,
        name="cpc-abstracts-test.jsonl.gz",
    ),
}

_SECTION = Task(
    name="cpc-section",
    title="CPC section (A to H) of US patents of 2006 to 2018, from the abstract",
    kind="classification",
    licence="Text of US patents, public domain; selection under Open Government Licence v3.0",
    origin="https://github.com/datasciencecampus/pyGrams",
    version="1",
    splits=_FILES,
    labels=SECTIONS,
    read=read_sections,
    notes=(
        "All dates. Only patents whose symbols are of one section, Y aside: 5,977 of 7,596 in "
        "train, 766 of 970 in validation, 739 of 969 in test. Symbols of 2006 to 2013 are those of "
        "the IPC, of 2015 and later of the CPC, 2014 has both. Section D has 25, 3 and 1 patents: "
        "macro F1 hangs on that one. One abstract of validation stands word for word in the train "
        "file."
    ),
    citation=(
        "Data Science Campus, Office for National Statistics: pyGrams, "
        "data/USPTO-random-10000.pkl.bz2; split by SHA-1 of the patent's id."
    ),
    counts={
        "train": {
            "records": 5977, "A": 726, "B": 688, "C": 333, "D": 25, "E": 109, "F": 339, "G": 1995,
            "H": 1762,
        },
        "validation": {
            "records": 766, "A": 84, "B": 84, "C": 52, "D": 3, "E": 14, "F": 55, "G": 250, "H": 224,
        },
        "test": {
            "records": 739, "A": 87, "B": 93, "C": 38, "D": 1, "E": 15, "F": 63, "G": 217, "H": 225,
        },
    },
)  # fmt: skip

_LATER = replace(
    _SECTION,
    name="cpc-section-by-year",
    title="CPC section of later US patents: train until 2012, test of 2015 to 2018",
    read=read_later_sections,
    notes=(
        "Train has the patents of `cpc-section` of 2006 to 2012, validation those of 2013 and "
        "2014, test those of 2015 and later. Symbols of train are of the IPC, of test of the CPC, "
        "whose sections A to H are the same. Section D has one patent in test."
    ),
    counts={
        "train": {
            "records": 3094,
            "A": 341,
            "B": 400,
            "C": 177,
            "D": 17,
            "E": 55,
            "F": 159,
            "G": 1057,
            "H": 888,
        },
        "validation": {
            "records": 156,
            "A": 16,
            "B": 19,
            "C": 10,
            "D": 0,
            "E": 5,
            "F": 7,
            "G": 45,
            "H": 54,
        },
        "test": {
            "records": 219,
            "A": 34,
            "B": 22,
            "C": 8,
            "D": 1,
            "E": 5,
            "F": 15,
            "G": 47,
            "H": 87,
        },
    },
)

_SUBCLASS = replace(
    _SECTION,
    name="cpc-subclass",
    title="CPC subclasses, all of them, of US patents of 2015 to 2018, from the abstract",
    labels=(),
    read=read_subclasses,
    multi_label=True,
    levels={"section": 1, "class": 3},
    notes=(
        "Only patents granted on 1 January 2015 or later: 2,638 in train, 325 in validation, 361 "
        "in test. Labels are the 454 subclasses of train, Y included. Test has 12 others in 13 of "
        "its 805 assignments, validation 9 in 9 of 677; they stay in the gold labels, so that they "
        "count as missed. The files list symbols by alphabet, so none of them is the main one."
    ),
    counts={
        "train": {"records": 2638, "G06F": 487, "H04L": 251, "H01L": 220},
        "validation": {"records": 325, "G06F": 62, "H01L": 34, "H04L": 28},
        "test": {"records": 361, "G06F": 63, "H04L": 41, "H01L": 35},
    },
)

_CLASS = replace(
    _SUBCLASS,
    name="cpc-class",
    title="CPC classes, all of them, of US patents of 2015 to 2018, from the abstract",
    read=read_classes,
    levels={"section": 1},
    notes=(
        "The patents of `cpc-subclass`. Labels are the 119 classes of train, Y included. Test has "
        "2 others in 2 of its 661 assignments, validation 1 in 1 of 583; they stay in the gold "
        "labels, so that they count as missed."
    ),
    counts={
        "train": {"records": 2638, "G06": 602, "H04": 527, "H01": 374},
        "validation": {"records": 325, "G06": 76, "H04": 64, "H01": 51},
        "test": {"records": 361, "H04": 79, "G06": 72, "H01": 57},
    },
)

_IPC = replace(
    _SUBCLASS,
    name="ipc-subclass",
    title="IPC subclasses, all of them, of US patents of 2006 to 2012, from the abstract",
    read=read_ipc_subclasses,
    notes=(
        "Only patents granted before 2013, when the CPC came into force: 3,503 in train, 456 in "
        "validation, 433 in test. Labels are the 416 subclasses of train. Test has 17 others in 18 "
        "of its 573 assignments, validation 16 in 17 of 573; they stay in the gold labels, so that "
        "they count as missed. The files list symbols by alphabet and do not name the edition."
    ),
    counts={
        "train": {"records": 3503, "G06F": 470, "H01L": 274, "A61K": 126},
        "validation": {"records": 456, "G06F": 58, "H01L": 22, "A61K": 17},
        "test": {"records": 433, "G06F": 45, "H01L": 33, "A61K": 17},
    },
)

TASKS = (_SECTION, _LATER, _SUBCLASS, _CLASS, _IPC)

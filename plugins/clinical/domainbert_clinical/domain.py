"""What the plugin declares. Importing this opens no file."""

from __future__ import annotations

from pathlib import Path

from domainbert import Corpus, DataFile, Domain, Task, Terms
from domainbert_clinical import public
from domainbert_clinical.i2b2 import read_i2b2
from domainbert_clinical.notes import read_aci_bench, read_notes

PACKAGE = Path(__file__).parent
SAMPLE = PACKAGE / "sample"
_OWN = "Written for this project; see sample/README.md in the package"

MTS_LABELS = (
    "FAM/SOCHX", "GENHX", "PASTMEDICALHX", "CC", "PASTSURGICAL", "ALLERGY", "ROS", "MEDICATIONS",
    "ASSESSMENT", "EXAM", "DIAGNOSIS", "DISPOSITION", "PLAN", "EDCOURSE", "IMMUNIZATIONS",
    "IMAGING", "GYNHX", "PROCEDURES", "OTHER_HISTORY", "LABS",
)  # fmt: skip
"""Sections of MTS-Dialog, in the order of its README."""

_ACI_BENCH = (
    "Wen-wai Yim, Yujuan Fu, Asma Ben Abacha, Neal Snider, Thomas Lin and Meliha Yetisgen. "
    "Aci-bench: a novel ambient clinical intelligence dataset for benchmarking automatic "
    "visit note generation. Scientific Data 10, 2023, 586."
)

_CORPORA = (
    Corpus(
        name="sample",
        title="Notes written for this project, for trying things out",
        licence="CC0-1.0",
        origin=_OWN,
        files=(SAMPLE / "corpus.jsonl",),
    ),
    Corpus(
        name="aci-bench",
        title="207 notes of role-played visits (ACI-Bench)",
        licence="CC BY 4.0; Yim et al. 2023",
        origin="https://github.com/wyim/aci-bench",
        read=read_aci_bench,
        files=public.ACI_BENCH,
        citation=_ACI_BENCH,
    ),
    Corpus(
        name="notes",
        title="Notes that you bring: text files, or CSV as MIMIC-III and MIMIC-IV have it",
        licence="Of your files; MIMIC: PhysioNet data use agreement, for research only",
        origin="https://physionet.org/content/mimiciii/ and https://physionet.org/content/mimic-iv-note/",
        read=read_notes,
    ),
    Corpus(
        name="i2b2",
        title="Notes of i2b2 and n2c2 XML files that you bring",
        licence="n2c2 data use agreement, for research use",
        origin="https://portal.dbmi.hms.harvard.edu/projects/n2c2-nlp/",
        read=read_i2b2,
    ),
)

_SAMPLE_TASK = Task(
    name="sample-sections",
    title="Section of a passage of a note, written for this project; no benchmark",
    kind="classification",
    licence="CC0-1.0",
    origin=_OWN,
    version="1",
    splits={s: SAMPLE / "sections" / f"{s}.tsv" for s in ("train", "validation", "test")},
    labels=("exam", "family", "medications", "plan", "present-illness", "social"),
    sample=True,
)


def _mts_dialog(name: str, what: str, column: str, test: DataFile, challenge: str) -> Task:
    return Task(
        name=name,
        title=f"MTS-Dialog: section of {what}, 20 sections; test set of {challenge}",
        kind="classification",
        licence="CC BY 4.0; Ben Abacha et al. 2023",
        origin="https://github.com/abachaa/MTS-Dialog",
        version="1",
        splits={"train": public.MTS_TRAIN, "validation": public.MTS_VALIDATION, "test": test},
        labels=MTS_LABELS,
        columns={"text": column, "label": "section_header"},
        counts={
            "train": {"records": 1201},
            "validation": {"records": 100},
            "test": {"records": 200},
        },
        notes="All rows are read; short texts can be in several splits.",
        citation=(
            "Asma Ben Abacha, Wen-wai Yim, Yadan Fan and Thomas Lin. An empirical study of "
            "clinical note generation from doctor-patient encounters. Proceedings of the 17th "
            "Conference of the European Chapter of the Association for Computational Linguistics, "
            "2023, 2291-2302."
        ),
    )


# No training split: nothing is fine-tuned for retrieval.
_VISITS = Task(
    name="aci-bench-notes",
    title="ACI-Bench: find the note of a visit by its dialogue",
    kind="retrieval",
    licence="CC BY 4.0; Yim et al. 2023",
    origin="https://github.com/wyim/aci-bench",
    version="1",
    splits={"validation": public.ACI_BENCH[1], "test": public.ACI_BENCH[2]},
    labels=(),
    columns={"query": "dialogue", "document": "note"},
    counts={"validation": {"records": 20}, "test": {"records": 40}},
    notes="The test set is that of ClinicalNLP, task B. Texts are long: take `long_texts: window`.",
    citation=_ACI_BENCH,
)

_CHAT, _SUM = "MEDIQA-Chat 2023", "MEDIQA-Sum 2023"
_NOTE = "a text from a note", "section_text"
_DIALOGUE = "a dialogue of doctor and patient", "dialogue"

CLINICAL = Domain(
    name="clinical",
    title="Clinical notes: readers of what you bring, and sections of notes",
    corpora=_CORPORA,
    terms=Terms(
        path=PACKAGE / "terms.txt",
        licence="CC0-1.0",
        origin="Written by hand for this project by subject area; no published lexicon was copied",
    ),
    tasks=(
        _SAMPLE_TASK,
        _mts_dialog("mts-dialog", *_NOTE, public.MTS_TEST, _CHAT),
        _mts_dialog("mts-dialog-test2", *_NOTE, public.MTS_TEST_2, _SUM),
        _mts_dialog("mts-dialog-dialogue", *_DIALOGUE, public.MTS_TEST, _CHAT),
        _mts_dialog("mts-dialog-dialogue-test2", *_DIALOGUE, public.MTS_TEST_2, _SUM),
        _VISITS,
    ),
    default_recipe="clinical/quickstart",
    languages=("en",),
    corpus_steps=("note-sections", "note-placeholders", "note-personal-data"),
)

"""What the plugin declares. Importing this opens no file."""

from __future__ import annotations

from pathlib import Path

from domainbert import Corpus, DataFile, Domain, Task, Terms
from domainbert_patent import public
from domainbert_patent.cpc_tasks import read_sections, read_subclasses
from domainbert_patent.feed import USPTO
from domainbert_patent.reading import read_abstracts, read_claims, read_whole
from domainbert_patent.symbols import SECTIONS

PACKAGE = Path(__file__).parent
SAMPLE = PACKAGE / "sample"

_SAMPLE_ORIGIN = "Written for this project; see sample/README.md in the package"
_OFFICES = "https://data.uspto.gov/ and https://www.epo.org/en/searching-for-patents/data"
_OFFICES_LICENCE = (
    "Terms of the office; text of US patents is in the public domain, save parts that carry a "
    "notice under 37 CFR 1.71(d)"
)
_CPC_LICENCE = "Text of US patents, public domain; selection under Open Government Licence v3.0"
_CPC_ORIGIN = "https://github.com/datasciencecampus/pyGrams"
_CPC_CITATION = (
    "Data Science Campus, Office for National Statistics: pyGrams, "
    "data/USPTO-random-10000.pkl.bz2; split by SHA-1 of the patent's id."
)
_CPC_FILES = {
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

_SAMPLE_CORPUS = Corpus(
    name="sample",
    title="Patents of invented inventions, written for this project, for trying things out",
    licence="CC0-1.0",
    origin=_SAMPLE_ORIGIN,
    files=(SAMPLE / "corpus.jsonl",),
)

_PUBLIC = Corpus(
    name="public-patents",
    title="100 patents of every format that anyone can fetch, by hash",
    licence=_OFFICES_LICENCE,
    origin=(
        "https://github.com/funginstitute/patentprocessor, "
        "https://github.com/USPTO/PatentPublicData and https://github.com/kermitt2/grobid"
    ),
    read=read_whole,
    files=public.PATENTS,
)

_PATENTS = Corpus(
    name="patents",
    title="Whole patents from files that you download (USPTO and EPO; plain, .gz or .zip)",
    licence=_OFFICES_LICENCE,
    origin=_OFFICES,
    read=read_whole,
    feed=USPTO,
)

_ABSTRACTS = Corpus(
    name="patent-abstracts",
    title="Titles and abstracts from files that you download",
    licence=_OFFICES_LICENCE,
    origin=_OFFICES,
    read=read_abstracts,
    feed=USPTO,
)

_CLAIMS = Corpus(
    name="patent-claims",
    title="Claims alone from files that you download",
    licence=_OFFICES_LICENCE,
    origin=_OFFICES,
    read=read_claims,
    feed=USPTO,
)

_SAMPLE_TASK = Task(
    name="sample-cpc",
    title="CPC sections of abstracts written for this project; no benchmark",
    kind="classification",
    licence="CC0-1.0",
    origin=_SAMPLE_ORIGIN,
    version="1",
    splits={split: SAMPLE / "cpc" / f"{split}.tsv" for split in ("train", "validation", "test")},
    labels=SECTIONS,
    sample=True,
)

_SECTION = Task(
    name="cpc-section",
    title="CPC section (A to H) of US patents of 2006 to 2018, from the abstract",
    kind="classification",
    licence=_CPC_LICENCE,
    origin=_CPC_ORIGIN,
    version="1",
    splits=_CPC_FILES,
    labels=SECTIONS,
    read=read_sections,
    notes=(
        "All dates. Only patents whose symbols are of one section, Y aside: 5,977 of 7,596 in "
        "train, 766 of 970 in validation, 739 of 969 in test. Symbols of 2006 to 2013 are those of "
        "the IPC, of 2015 and later of the CPC, 2014 has both. Section D has 25, 3 and 1 patents: "
        "macro F1 hangs on that one. One abstract of validation stands word for word in the train "
        "file."
    ),
    citation=_CPC_CITATION,
)

_SUBCLASS = Task(
    name="cpc-subclass",
    title="CPC subclasses, all of them, of US patents of 2015 to 2018, from the abstract",
    kind="classification",
    licence=_CPC_LICENCE,
    origin=_CPC_ORIGIN,
    version="1",
    splits=_CPC_FILES,
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
    citation=_CPC_CITATION,
)

_TERMS = Terms(
    path=PACKAGE / "terms.txt",
    licence="CC0-1.0",
    origin="Written by hand for this project by subject area; no published lexicon was copied",
)

PATENT = Domain(
    name="patent",
    title="Patents: grants and applications, CPC and IPC classes",
    corpora=(_SAMPLE_CORPUS, _PUBLIC, _PATENTS, _ABSTRACTS, _CLAIMS),
    terms=_TERMS,
    tasks=(_SAMPLE_TASK, _SECTION, _SUBCLASS),
    default_recipe="patent/quickstart",
    languages=("en",),
)

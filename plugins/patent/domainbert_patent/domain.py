"""What the plugin declares. Importing this opens no file."""

from __future__ import annotations

from pathlib import Path

from domainbert import Corpus, Domain, Task, Terms
from domainbert_patent import cpc_declared, public
from domainbert_patent.feed import USPTO
from domainbert_patent.nine_sections import NINE_SECTIONS
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
    counts={
        split: {"records": 8 * each, **dict.fromkeys(SECTIONS, each)}
        for split, each in (("train", 14), ("validation", 3), ("test", 4))
    },
    sample=True,
)

# No training split: nothing is fine-tuned for retrieval.
_RETRIEVAL = tuple(
    Task(
        name=f"sample-{query}-{document}",
        title=f"Find the {document} of the {query}, of patents written for this project",
        kind="retrieval",
        licence="CC0-1.0",
        origin=_SAMPLE_ORIGIN,
        version="1",
        splits={split: SAMPLE / "retrieval" / f"{split}.jsonl" for split in ("validation", "test")},
        labels=(),
        columns={"query": query, "document": document},
        counts={"validation": {"records": 24}, "test": {"records": 32}},
        sample=True,
    )
    for query, document in (("title", "abstract"), ("abstract", "claim"))
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
    tasks=(_SAMPLE_TASK, *_RETRIEVAL, *cpc_declared.TASKS, NINE_SECTIONS),
    default_recipe="patent/quickstart",
    languages=("en",),
)

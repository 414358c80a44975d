"""JNLPBA (BioNLP 2004), as a data set of the hub.

The task's own files are no longer at their address. The data set named here has three files of JSON
lines with `tokens` and `ner_tags`. Its commit and files are those that its page lists; nobody of
this project has fetched them. So the counts of the official test split, as they were published,
decide: where rows, or the order of the tags, are others than assumed, loading stops.
"""

from __future__ import annotations

from domainbert import HubData, Task

HUB = "siddharthtumre/jnlpba-split"
COMMIT = "502094959163959f965eba5a329d8c06fffa3005"
LABELS = ("protein", "DNA", "RNA", "cell_type", "cell_line")
_TYPES_OF_TAGS = ("DNA", "RNA", "cell_line", "cell_type", "protein")

JNLPBA = Task(
    name="jnlpba",
    title="JNLPBA 2004: proteins, DNA, RNA, cell types and lines in PubMed abstracts",
    kind="tagging",
    licence="Unknown, as the page of the data set says; GENIA, its source, is CC BY 3.0",
    origin=f"https://huggingface.co/datasets/{HUB}",
    version="1",
    splits={split: HubData(HUB, split, COMMIT) for split in ("train", "validation", "test")},
    labels=LABELS,
    columns={"words": "tokens", "tags": "ner_tags"},
    label_names=("O", *(f"{mark}-{name}" for name in _TYPES_OF_TAGS for mark in "BI")),
    notes=(
        "The source has no validation split: it is that of the data set on the hub. The counts of "
        "the test split are those that the task's organisers published."
    ),
    citation=(
        "Jin-Dong Kim, Tomoko Ohta, Yoshimasa Tsuruoka, Yuka Tateisi and Nigel Collier. "
        "Introduction to the bio-entity recognition task at JNLPBA. Proceedings of the JNLPBA "
        "Workshop 2004, 70-75."
    ),
    counts={
        "test": {
            "records": 3856,
            "protein": 5067,
            "DNA": 1056,
            "RNA": 118,
            "cell_type": 1921,
            "cell_line": 500,
        }
    },
)

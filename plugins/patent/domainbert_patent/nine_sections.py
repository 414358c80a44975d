"""Nine sections of the CPC, a data set of the hub made from BIGPATENT: descriptions of US patents.

Its class numbers follow the sections, A to H and Y. Some copies have the numbers, others their
titles; both are read. The copy has no validation split: the text decides which tenth of train is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from domainbert import DataError, Example, HubData, Task
from domainbert.readers import hash_fraction, read_table_rows
from domainbert_patent.symbols import SECTION_TITLES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HUB = "mteb/PatentClassification"
COMMIT = "6bd77eb030ab3bfbf1e6f7a2b069979daf167311"
"""The commit that the benchmark MTEB names for its task of this data set."""
SECTIONS = tuple(SECTION_TITLES)
VALIDATION_SHARE = 0.1

# The first word of each title tells it from all others; the hub spells some titles otherwise.
_FIRST_WORDS = {title.split()[0].lower().strip(";,"): s for s, title in SECTION_TITLES.items()}
_FIRST_WORDS["general"] = "Y"


def is_validation(text: str) -> bool:
    """Return whether a text of train is kept for validation.

    Args:
        text: The first eight bytes of its SHA-256, as a fraction of one, decide; blanks and case
            do not matter, so that a text that occurs twice is on one side.
    """
    return hash_fraction(text, fold=True) < VALIDATION_SHARE


def read_nine_sections(path: Path, split: str) -> Iterator[Example]:
    """Yield the descriptions of one split with their section.

    Args:
        path: A table with the columns `text` and `label`; further ones and their order do not
            matter.
        split: `train` and `validation` are of one file.

    Raises:
        DataError: The table cannot be read, or a row has no text or another label.
    """
    for where, row in read_table_rows(path, needed=("text", "label")):
        text = row.get("text")
        if not isinstance(text, str) or not text.strip():
            raise DataError(f"{where}: no text. Expected a description in the column 'text'.")
        section = _section(row.get("label"), where)
        if split == "test" or is_validation(text) == (split == "validation"):
            yield Example(text, (section,))


def _section(label: Any, where: str) -> str:
    text = str(label).strip()
    if text.isdecimal() and len(text) == 1 and int(text) < len(SECTIONS):
        return SECTIONS[int(text)]
    if text in SECTIONS:
        return text
    words = text.split()
    found = _FIRST_WORDS.get(words[0].lower().strip(";,")) if words else None
    if found is None:
        raise DataError(
            f"{where}: label {label!r}: expected a class from 0 to 8, a section, or its title."
        )
    return found


NINE_SECTIONS = Task(
    name="patent-sections",
    title="CPC section (A to H and Y) of US patents of BIGPATENT, from the description",
    kind="classification",
    licence="Not stated for this copy; BIGPATENT, its source, is CC BY 4.0",
    origin=f"https://huggingface.co/datasets/{HUB}",
    version="1",
    splits={
        "train": HubData(HUB, "train", COMMIT),
        "validation": HubData(HUB, "train", COMMIT),
        "test": HubData(HUB, "test", COMMIT),
    },
    labels=SECTIONS,
    read=read_nine_sections,
    notes=(
        "Descriptions of 18,600 characters on average. The source has no validation split: about "
        "10 % of train by text hash. Counts of train and validation together are those that MTEB "
        "publishes; 24,950 of the 25,000 texts differ. Nobody of this project has fetched the set."
    ),
    citation=(
        "Eva Sharma, Chen Li and Lu Wang. BIGPATENT: A large-scale dataset for abstractive and "
        "coherent summarization. Proceedings of ACL 2019, 2204-2213."
    ),
    counts={
        "train+validation": {
            "records": 25000, "A": 3614, "B": 3357, "C": 2099, "D": 204, "E": 705, "F": 1730,
            "G": 5408, "H": 5321, "Y": 2562,
        }
    },
)  # fmt: skip

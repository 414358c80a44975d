"""Read PubMedQA: a question, the abstract without its conclusion, and yes, no or maybe.

The source has a file of 1,000 labelled questions, and a second one that names the 500 of the test
split. The plugin has their identifiers in `pubmedqa_test.txt`, so that the first file is enough.
Of the other 500 a hash of the question puts about a tenth into validation, where the paper has ten
folds. The conclusion of the abstract (`LONG_ANSWER`) holds the answer and is left out: the paper
calls this setting reasoning-required.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from domainbert import DataError, DataFile, Pair, Task
from domainbert.readers import each_once, read_utf8, split_by_hash

if TYPE_CHECKING:
    from collections.abc import Iterator

LABELS = ("yes", "no", "maybe")
VALIDATION_SHARE = 0.1
_TEST = Path(__file__).parent / "pubmedqa_test.txt"


def official_test() -> frozenset[str]:
    """Return the PubMed identifiers of the official test split."""
    lines = read_utf8(_TEST).splitlines()
    return frozenset(id for line in lines if not line.startswith("#") for id in line.split())


def split_of(pmid: str, question: str, test: frozenset[str]) -> str:
    """Return the split of a question: `test`, `validation` or `train`.

    Args:
        pmid: Its identifier.
        question: Its text. The first eight bytes of its SHA-256, without regard to case and white
            space, read as a fraction of one, are below 0.1 for validation.
        test: Identifiers of the test split.
    """
    if pmid in test:
        return "test"
    return split_by_hash(question, validation=VALIDATION_SHARE, fold=True)


def read_pubmedqa(path: Path, split: str) -> Iterator[Pair]:
    """Yield the questions of a split, each with the sections of its abstract, one per line.

    Args:
        path: `ori_pqal.json`: an object with an entry per PubMed identifier.
        split: `train`, `validation` or `test`.

    Raises:
        DataError: The file cannot be read, a key stands twice, or an entry lacks question, context
            or answer.
    """
    test = official_test()
    for pmid, entry in _entries(path).items():
        pair = _pair(entry, pmid, f"{path}: {pmid}")
        if split_of(pmid, pair.text, test) == split:
            yield pair


def _entries(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(read_utf8(path), object_pairs_hook=each_once)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: not valid JSON: {error}. Download the file again.") from None
    if not isinstance(found, dict):
        raise DataError(f"{path}: not PubMedQA: expected an object with an entry per PMID.")
    return found


def _pair(entry: Any, pmid: str, where: str) -> Pair:
    fields = entry if isinstance(entry, dict) else {}
    question, contexts = fields.get("QUESTION"), fields.get("CONTEXTS")
    answer = fields.get("final_decision")
    texts = contexts if isinstance(contexts, list) else []
    if not isinstance(question, str) or not all(isinstance(text, str) for text in texts):
        raise DataError(f"{where}: expected QUESTION as text and CONTEXTS as a list of texts.")
    if not question.strip() or not "".join(texts).strip():
        raise DataError(f"{where}: QUESTION or CONTEXTS is missing or empty.")
    if answer not in LABELS:
        expected = f"expected one of {', '.join(LABELS)}"
        raise DataError(f"{where}: final_decision is {str(answer)[:40]!r}; {expected}.")
    lines = (" ".join(text.split()) for text in texts)
    return Pair(" ".join(question.split()), "\n".join(filter(None, lines)), (answer,), pmid)


# HEAD is the default branch of a repository; the hash pins the content.
_FILE = DataFile(
    sha256="8b3276be8942ebbd77f3ddcda12c1749bf0e490045a736fd8438ee40cf37a41d",
    size=2584787,
    name="pubmedqa-ori_pqal.json",
    url="https://raw.githubusercontent.com/pubmedqa/pubmedqa/HEAD/data/ori_pqal.json",
)

PUBMEDQA = Task(
    name="pubmedqa",
    title="PubMedQA: does an abstract answer its question with yes, no or maybe",
    kind="pairs",
    licence="MIT; publishers may hold copyright in abstracts",
    origin="https://github.com/pubmedqa/pubmedqa",
    version="1",
    splits=dict.fromkeys(("train", "validation", "test"), _FILE),
    labels=LABELS,
    read=read_pubmedqa,
    notes=(
        "Official test split of 500. The source has no validation split: about a tenth of the "
        "other 500 by hash of the question. Conclusions (`LONG_ANSWER`) are left out."
    ),
    citation=(
        "Qiao Jin, Bhuwan Dhingra, Zhengping Liu, William Cohen and Xinghua Lu. PubMedQA: a "
        "dataset for biomedical research question answering. Proceedings of EMNLP-IJCNLP 2019, "
        "2567-2577."
    ),
    counts={
        "train+validation": {"records": 500, "yes": 276, "no": 169, "maybe": 55},
        "test": {"records": 500, "yes": 276, "no": 169, "maybe": 55},
    },
)

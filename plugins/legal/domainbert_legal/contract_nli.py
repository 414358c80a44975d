"""Read ContractNLI (Koreeda and Manning 2021): does a contract entail what a hypothesis says?

A pair is the whole text of a contract and a hypothesis. The evidence that annotators marked is
checked and not read: no evidence is marked where nothing is mentioned, so it would tell the label.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from domainbert import DataError, Pair, TaskReader
from domainbert_legal.json_files import read_json, value_of

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from domainbert import Task

LABELS = ("Entailment", "Contradiction", "NotMentioned")
HYPOTHESES = 17
"""Each published contract is judged on all of them."""
_SHAPE = (
    "Expected a file of ContractNLI: {documents: [{id, text, spans, annotation_sets}], "
    "labels: {…}}."
)


def read_contract_nli(path: Path, _split: str) -> Iterator[Pair]:
    """Yield the judgements on the contracts of a file, in its order; each split has its own file.

    Args:
        path: A JSON file as published, with `documents` and `labels`.

    Raises:
        DataError: As of `judgements`.
    """
    for pairs in judgements(path):
        yield from pairs


def _read_all(path: Path, _task: Task, _counts: Counter[str]) -> Iterator[Pair]:
    yield from read_contract_nli(path, "")


CONTRACT_NLI = TaskReader("contract-nli", "pairs", (), _read_all)
"""Format of own files in the form of the published train.json, dev.json and test.json."""


def judgements(path: Path) -> Iterator[list[Pair]]:
    """Yield the pairs of each contract of a file.

    Args:
        path: A JSON file as published, with `documents` and `labels`.

    Raises:
        DataError: No JSON, a key twice, or another shape; a hypothesis that `labels` lacks; a
            choice that is none of `LABELS`; evidence that is no span of the text; two contracts of
            one id.
    """
    content = read_json(path)
    hypotheses = {
        name: _get(label, "hypothesis", str, f"{path}: labels.{name}")
        for name, label in _get(content, "labels", dict, f"{path}: the file").items()
    }
    seen = set[str]()
    for number, item in enumerate(_get(content, "documents", list, f"{path}: the file")):
        where = f"{path}: documents[{number}]"
        text = _get(item, "text", str, where)
        name = str(item.get("id", number))
        where = f"{where} (id {name[:40]!r})"
        if name in seen:
            raise DataError(f"{where}: another contract has this id. Give each its own.")
        seen.add(name)
        spans = _spans(item, text, where)
        sets = _get(item, "annotation_sets", list, where)
        yield [
            Pair(text, hypothesis, (choice,), name)
            for place, annotated in enumerate(sets)
            for hypothesis, choice in _choices(
                annotated, hypotheses, spans, f"{where}.annotation_sets[{place}]"
            )
        ]


def _spans(item: Mapping[str, Any], text: str, where: str) -> int:
    """Return the number of spans of a contract, all of which are inside its text."""
    spans = _get(item, "spans", list, where)
    for number, span in enumerate(spans):
        whole = isinstance(span, list) and len(span) == 2 and all(type(n) is int for n in span)
        if not whole or not 0 <= span[0] < span[1] <= len(text):
            raise DataError(
                f"{where}.spans[{number}]: expected start and end inside the text of "
                f"{len(text):,} characters, found {span!r:.60}. Was the text changed?"
            )
    return len(spans)


def _choices(
    annotated: Any, hypotheses: Mapping[str, str], spans: int, where: str
) -> Iterator[tuple[str, str]]:
    """Yield hypothesis and choice of each judgement of an annotator."""
    for name, judged in _get(annotated, "annotations", dict, where).items():
        place = f"{where}.{name}"
        if name not in hypotheses:
            raise DataError(f"{place}: no such hypothesis in `labels`: {', '.join(hypotheses)}.")
        choice = _get(judged, "choice", str, place)
        if choice not in LABELS:
            raise DataError(f"{place}: choice {choice[:40]!r}, expected {', '.join(LABELS)}.")
        for span in _get(judged, "spans", list, place):
            if type(span) is not int or not 0 <= span < spans:
                raise DataError(
                    f"{place}: evidence {span!r:.40} is no span of the contract, which has "
                    f"{spans:,}, numbered from 0."
                )
        yield hypotheses[name], choice


def _get(holder: Any, key: str, kind: type, where: str) -> Any:
    """Return a value of a JSON object, of the expected type."""
    return value_of(holder, key, kind, where, _SHAPE)

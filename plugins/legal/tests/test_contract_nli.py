from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from domainbert import DataError, Pair
from domainbert.pipeline.choose import load_registry
from domainbert.recipe.tasks import TaskSection
from domainbert.tasks.load import load_task
from domainbert_legal.contract_nli import LABELS, judgements, read_contract_nli
from domainbert_legal.domain import LEGAL

Write = Callable[[str, bytes | str], Path]
HYPOTHESES = {"nda-1": "Copies are returned.", "nda-2": "Nothing may be told."}


def document(number: int, first: str = "Entailment", second: str = "NotMentioned") -> dict:
    text = f"Agreement {number}. All copies go back. Secrets stay."
    annotations = {
        "nda-1": {"choice": first, "spans": [1]},
        "nda-2": {"choice": second, "spans": []},
    }
    return {
        "id": number,
        "file_name": f"{number}.pdf",
        "text": text,
        "spans": [[0, 12], [13, len(text)]],
        "annotation_sets": [{"annotations": annotations}],
    }


def content(*documents: dict) -> dict:
    labels = {
        name: {"short_description": name, "hypothesis": text} for name, text in HYPOTHESES.items()
    }
    return {"documents": list(documents), "labels": labels}


@pytest.fixture
def file(write: Write) -> Callable[[Any], Path]:
    def written(made: Any, name: str = "dev.json") -> Path:
        return write(name, made if isinstance(made, str) else json.dumps(made))

    return written


def test_a_pair_is_a_contract_and_a_hypothesis(file: Callable[..., Path]) -> None:
    path = file(content(document(1), document(2, "Contradiction", "Entailment")))
    text = "Agreement {}. All copies go back. Secrets stay."
    assert list(read_contract_nli(path, "test")) == [
        Pair(text.format(1), "Copies are returned.", ("Entailment",)),
        Pair(text.format(1), "Nothing may be told.", ("NotMentioned",)),
        Pair(text.format(2), "Copies are returned.", ("Contradiction",)),
        Pair(text.format(2), "Nothing may be told.", ("Entailment",)),
    ]
    assert [pair.document for pair in read_contract_nli(path, "test")] == ["1", "1", "2", "2"]


@pytest.mark.parametrize(("contracts", "validation"), [(61, 12), (10, 2), (2, 1)])
def test_train_and_validation_share_out_whole_contracts(
    file: Callable[..., Path], contracts: int, validation: int
) -> None:
    path = file(content(*(document(n) for n in range(contracts))))
    found = {s: {p.document for p in read_contract_nli(path, s)} for s in ("train", "validation")}
    assert len(found["validation"]) == validation
    assert len(found["train"]) == contracts - validation
    assert found["train"] & found["validation"] == set()
    again = file(content(*(document(n) for n in reversed(range(contracts)))), "other.json")
    assert {p.document for p in read_contract_nli(again, "validation")} == found["validation"]


def test_the_declared_counts_are_those_published() -> None:
    task = next(task for task in LEGAL.tasks if task.name == "contract-nli")
    assert task.counts == {"train+validation": {"records": 1037}, "test": {"records": 2091}}
    assert 61 * 17 == 1037
    assert 123 * 17 == 2091
    assert task.splits["train"] == task.splits["validation"] != task.splits["test"]


def test_own_files_have_a_format(file: Callable[..., Path]) -> None:
    load_registry(())
    every = [document(n, label) for n, label in enumerate(LABELS)]
    files = {
        split: str(file(content(*every[: 1 + (split == "train") * 2]), f"{split}.json"))
        for split in ("train", "validation", "test")
    }
    section = TaskSection(name="nli", kind="pairs", format="contract-nli", **files)
    task = load_task(section, None, Path())
    assert {split: len(pairs) for split, pairs in task.splits.items()} == {
        "train": 6, "validation": 2, "test": 2,
    }  # fmt: skip


def changed(path: str, value: Any) -> dict:
    """Return a file in which one value, named by its keys, is another."""
    made = copy.deepcopy(content(document(1), document(2)))
    *keys, last = path.split("/")
    holder: Any = made
    for key in keys:
        holder = holder[int(key) if key.isdecimal() else key]
    holder[int(last) if last.isdecimal() else last] = value
    return made


NDA = "documents/0/annotation_sets/0/annotations/nda-1"


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (changed(f"{NDA}/choice", "Maybe"), ".nda-1: choice 'Maybe', expected Entailment, Contra"),
        (changed(f"{NDA}/choice", None), ".nda-1: expected `choice` as a text, found None"),
        (
            changed(f"{NDA}/spans", [2]),
            ".nda-1: evidence 2 is no span of the contract, which has 2",
        ),
        (changed(f"{NDA}/spans", [-1]), ".nda-1: evidence -1 is no span"),
        (changed(f"{NDA}/spans", ["0"]), ".nda-1: evidence '0' is no span"),
        (changed("documents/0/spans/1", [13, 999]), "spans[1]: expected start and end inside the"),
        (changed("documents/0/spans/1", [20, 20]), "spans[1]: expected start and end inside the"),
        (changed("documents/0/spans/1", 3), "spans[1]: expected start and end inside the text"),
        (changed("documents/0/text", " "), "documents[0]: expected `text` as a text, found ' '"),
        (changed("documents/1/id", 1), "documents[1] (id '1'): another contract has this id"),
        (changed("documents/0/annotation_sets", None), "expected `annotation_sets` as a list"),
        (changed("documents/0", "x"), "documents[0]: expected `text` as a text, found 'x' around"),
        (
            changed("labels", {"nda-1": {"hypothesis": "A."}}),
            "nda-2: no such hypothesis in `labels`",
        ),
        (changed("labels/nda-1", {}), "labels.nda-1: expected `hypothesis` as a text"),
        ({"documents": []}, "the file: expected `labels` as an object"),
        ([1], "the file: expected `labels` as an object, found [1] around it"),
        ("{", "not valid JSON"),
        (
            json.dumps(content(document(1))).replace('"nda-2": {"choice"', '"nda-1": {"choice"'),
            "not valid JSON: the key 'nda-1' stands twice",
        ),
        ("[" * 100_000, "not valid JSON"),
    ],
)
def test_what_is_refused(file: Callable[..., Path], made: Any, message: str) -> None:
    path = file(made)
    with pytest.raises(DataError, match=re.escape(str(path))) as error:
        list(judgements(path))
    assert message in str(error.value)


def test_one_contract_cannot_be_shared_out(file: Callable[..., Path]) -> None:
    with pytest.raises(DataError, match=r"1 contract\(s\); train and validation need two"):
        list(read_contract_nli(file(content(document(1))), "train"))


def test_half_a_surrogate_in_a_contract_is_shared_out(file: Callable[..., Path]) -> None:
    made = changed("documents/0/text", "Agreement \ud800. All copies go back.")
    made["documents"][0]["spans"] = [[0, 3], [3, 9]]
    path = file(made)
    found = [p.document for s in ("train", "validation") for p in read_contract_nli(path, s)]
    assert sorted(found) == ["1", "1", "2", "2"]


def test_a_missing_split_is_refused(file: Callable[..., Path]) -> None:
    files = {name: str(file(content(document(1)), f"{name}.json")) for name in ("train", "test")}
    with pytest.raises(ValueError, match="also needs validation"):
        TaskSection(name="nli", kind="pairs", format="contract-nli", **files)

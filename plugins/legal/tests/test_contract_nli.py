from __future__ import annotations

import copy
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from domainbert import DataError, Domain, Pair
from domainbert.pipeline.choose import load_registry
from domainbert.recipe.tasks import TaskSection
from domainbert.tasks.load import load_task
from domainbert_legal.contract_nli import HYPOTHESES, LABELS, judgements, read_contract_nli
from domainbert_legal.domain import LEGAL

Write = Callable[[str, bytes | str], Path]
TASK = next(task for task in LEGAL.tasks if task.name == "contract-nli")
TEXTS = {"nda-1": "Copies are returned.", "nda-2": "Nothing may be told."}


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
    labels = {name: {"short_description": name, "hypothesis": text} for name, text in TEXTS.items()}
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


def test_the_declared_files_and_counts_are_those_published() -> None:
    assert TASK.counts == {
        "train": {"records": 7191}, "validation": {"records": 1037}, "test": {"records": 2091},
    }  # fmt: skip
    assert [n * HYPOTHESES for n in (423, 61, 123)] == [7191, 1037, 2091]
    assert [file.url.rpartition("/")[2] for file in TASK.splits.values()] == [
        "train.json", "dev.json", "test.json",
    ]  # fmt: skip


def published(contracts: int) -> bytes:
    """Return a file of the shape of a published one: 17 judgements on each contract."""
    names = [f"nda-{n}" for n in range(HYPOTHESES)]
    made = content(*(document(n) for n in range(contracts)))
    made["labels"] = {name: {"hypothesis": f"It says {name}."} for name in names}
    for item in made["documents"]:
        judged = {n: {"choice": LABELS[i % 3], "spans": []} for i, n in enumerate(names)}
        item["annotation_sets"] = [{"annotations": judged}]
    return json.dumps(made).encode()


@pytest.fixture
def served(
    file_server: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., Domain]:
    """Return the domain with files of given numbers of contracts on a server of one's own."""
    monkeypatch.delenv("DOMAINBERT_DATA", raising=False)
    monkeypatch.setenv("DOMAINBERT_CACHE", str(tmp_path / "cache"))

    def serve(*contracts: int) -> Domain:
        splits = {}
        for (split, file), number in zip(TASK.splits.items(), contracts, strict=True):
            made = published(number)
            file_server.files[f"/{file.name}"] = made
            sha256, url = hashlib.sha256(made).hexdigest(), f"{file_server.address}/{file.name}"
            splits[split] = replace(file, sha256=sha256, size=len(made), url=url)
        return replace(LEGAL, tasks=(replace(TASK, splits=splits),))

    return serve


def test_three_files_are_fetched_and_their_counts_compared(served: Callable[..., Domain]) -> None:
    task = load_task(TaskSection(name="contract-nli"), served(423, 61, 123), Path())
    sizes = {split: len({pair.document for pair in ps}) for split, ps in task.splits.items()}
    assert sizes == {"train": 423, "validation": 61, "test": 123}
    assert [len(pairs) for pairs in task.splits.values()] == [7191, 1037, 2091]


def test_a_file_with_a_contract_less_is_refused(served: Callable[..., Domain]) -> None:
    with pytest.raises(DataError, match="train: records: 7,174 were read, 7,191 are declared"):
        load_task(TaskSection(name="contract-nli"), served(422, 61, 123), Path())


def test_another_file_at_the_address_is_refused_and_its_hash_named(
    served: Callable[..., Domain], file_server: Any
) -> None:
    domain = served(423, 61, 123)
    other = file_server.files["/contract-nli-train.json"].replace(b"Secrets", b"Letters")
    file_server.files["/contract-nli-train.json"] = other
    with pytest.raises(DataError, match=f"got {hashlib.sha256(other).hexdigest()}"):
        load_task(TaskSection(name="contract-nli"), domain, Path())


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


def test_a_missing_split_is_refused(file: Callable[..., Path]) -> None:
    files = {name: str(file(content(document(1)), f"{name}.json")) for name in ("train", "test")}
    with pytest.raises(ValueError, match="also needs validation"):
        TaskSection(name="nli", kind="pairs", format="contract-nli", **files)

"""The declared files, where `DOMAINBERT_DATA` has them: CUAD and ContractNLI."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from domainbert import DataError, DataFile
from domainbert.recipe.tasks import TaskSection
from domainbert.storage.download import locate
from domainbert.tasks.load import load_task
from domainbert_legal.cuad import FILE, whole_name
from domainbert_legal.domain import LEGAL
from domainbert_legal.shares import split_of

TASKS = {task.name: task for task in LEGAL.tasks}


def found(name: str) -> list[Path]:
    """Return the files of a task, or skip the test."""
    files = dict.fromkeys(TASKS[name].splits.values())
    try:
        return [locate(replace(file, url=None)) for file in files if isinstance(file, DataFile)]
    except DataError as error:
        pytest.skip(f"DOMAINBERT_DATA has no files of {name}: {error}")


def test_contract_nli_has_the_published_judgements() -> None:
    assert len(found("contract-nli")) == 3
    task = load_task(TaskSection(name="contract-nli"), LEGAL, Path())
    contracts = {s: len({pair.document for pair in ps}) for s, ps in task.splits.items()}
    assert contracts == {"train": 423, "validation": 61, "test": 123}


def test_cuad_has_510_contracts_in_three_splits() -> None:
    from domainbert.readers import read_rows

    (path,) = found("cuad-clauses")
    names = [str(row[FILE]) for _, row in read_rows(path)]
    assert len({*names}) == len(names) == 510
    task = load_task(TaskSection(name="cuad-clauses"), LEGAL, Path())
    for split, examples in task.splits.items():
        assert {example.document for example in examples} <= {
            name for name in names if split_of(whole_name(name)) == split
        }
    assert sum(map(len, task.splits.values())) > 5_000


def test_cuad_has_the_published_questions_and_all_their_answers() -> None:
    (path,) = found("cuad")
    task = load_task(TaskSection(name="cuad"), LEGAL, Path())
    contracts = {s: {question.document for question in qs} for s, qs in task.splits.items()}
    assert len(contracts["test"]) == 102
    assert len(contracts["train"] | contracts["validation"]) == 408
    assert task.counts.get("questions_without_their_answers", 0) == 0, path

"""A hub declaration: columns and names of tags, on a stand-in for what the cache holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from datasets import Dataset

from domainbert import DataError, Domain, HubData, LoadedTask, Task
from domainbert.recipe.tasks import TaskSection
from domainbert.tasks.load import load_task
from domainbert_bio.jnlpba import COMMIT, HUB, JNLPBA

WORDS = ["IL-2", "gene", "of", "T", "cells", "binds", "NF-kappa", "B", "."]
NAMES = ["B-DNA", "I-DNA", "O", "B-cell_type", "I-cell_type", "O", "B-protein", "I-protein", "O"]
NUMBERS = [1, 2, 0, 7, 8, 0, 9, 10, 0]
OTHERS = [["mRNA", "of", "HeLa"], [3, 0, 5], ["B-RNA", "O", "B-cell_line"]]


def load(folder: Path, tags: Sequence[Sequence[int | str]], task: Task) -> LoadedTask:
    """Load a task whose splits lie in the cache as `datasets` would write them."""
    (kept := folder / "datasets" / HUB.replace("/", "--") / COMMIT / "default").mkdir(parents=True)
    rows = {"id": ["0", "1"], "tokens": [WORDS, OTHERS[0]], "ner_tags": tags}
    for split in task.splits:
        Dataset.from_dict(rows).to_parquet(kept / f"{split}.parquet")
    return load_task(TaskSection(name="jnlpba"), Domain("b", "B", tasks=(task,)), Path())


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOMAINBERT_CACHE", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def test_the_commit_is_whole_and_there_is_a_split_each() -> None:
    assert JNLPBA.splits == {s: HubData(HUB, s, COMMIT) for s in ("train", "validation", "test")}
    assert len(COMMIT) == 40
    assert sum(JNLPBA.counts["test"][label] for label in JNLPBA.labels) == 8662


@pytest.mark.parametrize("tags", [[NUMBERS, OTHERS[1]], [NAMES, OTHERS[2]]], ids=["int", "text"])
def test_numbers_and_names_of_tags_are_read(
    tmp_path: Path, tags: Sequence[Sequence[int | str]]
) -> None:
    loaded = load(tmp_path, tags, replace(JNLPBA, counts={}))
    for sentences in loaded.splits.values():
        assert [sentence.tags for sentence in sentences] == [tuple(NAMES), tuple(OTHERS[2])]
        assert sentences[0].words == tuple(WORDS)


def test_rows_of_another_order_of_tags_or_number_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="test: records: 2 were read, 3,856 are declared"):
        load(tmp_path, [NUMBERS, OTHERS[1]], JNLPBA)

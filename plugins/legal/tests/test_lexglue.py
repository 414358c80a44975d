from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from domainbert import DataError, HubData
from domainbert.recipe.tasks import TaskSection
from domainbert.tasks.load import load_task
from domainbert_legal.domain import LEGAL
from domainbert_legal.lexglue import LEDGAR, REVISION, SCOTUS, TASKS, UNFAIR_TOS

SPLITS = ("train", "validation", "test")
BY_NAME = {task.name: task for task in TASKS}


def test_the_tasks_name_a_commit_and_their_splits() -> None:
    assert list(BY_NAME) == ["ledgar", "eurlex", "case-hold", "scotus", "unfair-tos"]
    for task in TASKS:
        for split, place in task.splits.items():
            assert isinstance(place, HubData)
            assert (place.id, place.split) == ("coastalcph/lex_glue", split)
            assert place.revision == REVISION
    assert len(REVISION) == 40


def test_numbers_of_classes_are_those_published() -> None:
    assert [len({*labels}) for labels in (LEDGAR, SCOTUS, UNFAIR_TOS)] == [100, 13, 8]


def features(config: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the columns of a configuration as the hub has them, and rows with each class."""
    from datasets import ClassLabel, Sequence, Value

    text = Value("string")
    if config == "case_hold":
        kinds = {
            "context": text,
            "endings": Sequence(text),
            "label": ClassLabel(names=list("01234")),
        }
        rows = [
            {"context": f"He <HOLDING> {n}", "endings": [f"h{n}{k}" for k in range(5)], "label": n}
            for n in range(5)
        ]
        return kinds, rows
    if config == "eurlex":
        names = Sequence(ClassLabel(names=["100163", "100164"]))
        rows = [{"text": f"act {n}", "labels": [0, 1][: n % 3]} for n in range(9)]
        return {"text": text, "labels": names}, rows
    if config == "unfair_tos":
        names = Sequence(ClassLabel(names=list(UNFAIR_TOS)))
        rows = [{"text": f"term {n}", "labels": [n] if n < 8 else []} for n in range(9)]
        return {"text": text, "labels": names}, rows
    labels = LEDGAR if config == "ledgar" else SCOTUS
    rows = [{"text": f"text {n}", "label": n} for n in range(len(labels))]
    return {"text": text, "label": ClassLabel(names=list(labels))}, rows


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Fill the cache with a few rows of each configuration, as a fetch from the hub writes them."""
    from datasets import Dataset, Features

    root = tmp_path / "datasets" / "coastalcph--lex_glue" / REVISION
    for config in ("ledgar", "eurlex", "case_hold", "scotus", "unfair_tos"):
        kinds, rows = features(config)
        (root / config).mkdir(parents=True)
        for split in SPLITS:
            made = [
                {k: f"{v} {split}" if k in {"text", "context"} else v for k, v in row.items()}
                for row in rows
            ]
            Dataset.from_list(made, features=Features(kinds)).to_parquet(
                root / config / f"{split}.parquet"
            )
    monkeypatch.setenv("DOMAINBERT_CACHE", str(tmp_path))
    return tmp_path


def loaded(name: str, records: int) -> Any:
    from dataclasses import replace

    counts = {split: {"records": records} for split in SPLITS}
    few = replace(LEGAL, tasks=(replace(BY_NAME[name], counts=counts),))
    return load_task(TaskSection(name=name), few, Path())


@pytest.mark.parametrize(
    ("name", "records", "labels"),
    [
        ("ledgar", 100, LEDGAR), ("scotus", 13, SCOTUS), ("unfair-tos", 9, UNFAIR_TOS),
        ("eurlex", 9, ("100163", "100164")),
    ],
)  # fmt: skip
def test_columns_and_class_names_are_mapped(
    cache: Path, name: str, records: int, labels: tuple[str, ...]
) -> None:
    task = loaded(name, records)
    assert task.task.labels == labels
    found = {label for example in task.splits["test"] for label in example.labels}
    assert found == {*labels}


def test_a_holding_is_one_of_five_choices(cache: Path) -> None:
    task = loaded("case-hold", 5)
    questions = task.splits["test"]
    assert [question.labels for question in questions] == [(letter,) for letter in "ABCDE"]
    assert questions[2].text == "He <HOLDING> 2 test"
    assert questions[2].choices == ("h20", "h21", "h22", "h23", "h24")


def test_another_number_of_records_is_refused(cache: Path) -> None:
    with pytest.raises(DataError, match="13 were read, 5,000 are declared"):
        load_task(TaskSection(name="scotus"), LEGAL, Path())

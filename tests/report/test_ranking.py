from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from domainbert.report.collect import collect
from domainbert.report.ranking import Row, Table, make_tables

Write = Callable[..., Path]
Fill = Callable[..., None]


def tables(folder: Path) -> tuple[Table, ...]:
    return make_tables(collect([str(folder)])[0])


def only(folder: Path) -> dict[str, Row]:
    (table,) = tables(folder)
    return {row["title"]: row for row in table["rows"]}


def model(name: str, base: str = "mini") -> dict[str, Any]:
    """An adapted model of a run, or the base itself."""
    names = {"name": "base", "run": None} if name == base else {"name": "adapted", "run": name}
    return {**names, "base": base, "sha256": name.ljust(64, "0")}


@pytest.fixture
def fill(tmp_path: Path, write_result: Write) -> Fill:
    def write(name: str, right: float, seeds: int = 3, folder: str = "one", **more: Any) -> None:
        for seed in range(seeds):
            entry = {"records": 400, "model": model(name), **more}
            entry["task"] = {"multi_label": True, **entry.get("task", {})}
            write_result(tmp_path / folder, right, seed=seed, **entry)

    return write


def test_a_model_is_set_against_its_base(tmp_path: Path, fill: Fill) -> None:
    fill("field", 0.9, model={**model("field"), "minutes": 60.0}, minutes=2.0)
    fill("mini", 0.6)
    fill("far", 0.9, folder="b")  # by the name of its base
    fill("large", 0.6, folder="c", model=model("large", base="huge"))
    fill("tuned", 0.6, folder="d", settings={"epochs": 1})
    rows = only(tmp_path)
    assert {title: row["base"] for title, row in rows.items()} == {
        "field": "mini", "far": "mini", "mini": None, "large": None, "tuned": None,
    }  # fmt: skip
    against = rows["field"]["against_base"]
    assert (against.verdict, rows["mini"]["against_base"]) == ("better", None)


def test_a_sample_is_last_and_cannot_be_unflagged_by_one_result(tmp_path: Path, fill: Fill) -> None:
    fill("one", 0.9, task={"name": "a", "sample": True})
    fill("two", 0.9, folder="b", task={"name": "a"})
    fill("one", 0.9, task={"name": "b"})
    assert [(t["task"].name, t["task"].sample, len(t["rows"])) for t in tables(tmp_path)] == [
        ("b", False, 1), ("a", True, 2),
    ]  # fmt: skip


def test_results_of_a_label_budget_never_rank_beside_those_of_all_labels(
    tmp_path: Path, fill: Fill
) -> None:
    fill("one", 0.9)
    fill("two", 0.9, folder="b", task={"train_records": 100})
    fill("three", 0.9, folder="c", task={"name": "town@100", "train_records": 100})
    found = tables(tmp_path)
    assert sorted(row["title"] for table in found for row in table["rows"]) == [
        "one", "three", "two",
    ]  # fmt: skip
    assert [len(table["rows"]) for table in found] == [1, 1, 1]

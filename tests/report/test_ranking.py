from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from domainbert.report.collect import collect
from domainbert.report.ranking import Row, Table, make_tables

Write = Callable[..., Path]
BASELINE = {"run": None, "sha256": None, "base": None, "parameters": None, "tokens": 0}


def tables(folder: Path) -> tuple[Table, ...]:
    return make_tables(collect([str(folder)])[0])


def only(folder: Path) -> dict[str, Row]:
    (table,) = tables(folder)
    return {row.title: row for row in table.rows}


def model(name: str, base: str = "mini") -> dict[str, Any]:
    """An adapted model of a run, or the base itself."""
    if name == base:
        return {"name": "base", "run": None, "base": base, "sha256": name.ljust(64, "0")}
    return {"name": "adapted", "run": name, "base": base, "sha256": name.ljust(64, "0")}


@pytest.fixture
def fill(tmp_path: Path, write_result: Write) -> Callable[..., None]:
    def write(name: str, right: float, seeds: int = 3, folder: str = "one", **more: Any) -> None:
        for seed in range(seeds):
            entry = {"records": 400, "model": model(name), **more}
            # Numpy alone scores any number of classes a record, in a tenth of the time.
            entry["task"] = {"multi_label": True, **entry.get("task", {})}
            write_result(tmp_path / folder, right, seed=seed, **entry)

    return write


def test_models_that_no_interval_separates_share_a_rank(
    tmp_path: Path, fill: Callable[..., None]
) -> None:
    fill("one", 0.9, folder="a")
    fill("two", 0.9, folder="b")
    fill("three", 0.7, folder="c")
    fill("four", 0.5, folder="d")
    rows = only(tmp_path)
    assert {title: row.rank for title, row in rows.items()} == {
        "one": 1, "two": 1, "three": 3, "four": 4,
    }  # fmt: skip
    means = [row.scores["f1_micro"].mean for row in rows.values()]
    assert means == sorted(means, reverse=True)


def test_one_seed_and_baselines_are_shown_and_have_no_rank(
    tmp_path: Path, fill: Callable[..., None]
) -> None:
    fill("one", 0.6)
    fill("lonely", 0.95, seeds=1, folder="b")
    fill("x", 0.8, seeds=1, model={"name": "majority", **BASELINE}, settings={})
    rows = only(tmp_path)
    assert {title: (row.rank, row.unranked) for title, row in rows.items()} == {
        "lonely": (None, "one seed"),
        "majority": (None, "baseline"),
        "one": (1, ""),
    }
    assert list(rows) == ["lonely", "majority", "one"]
    assert math.isnan(rows["lonely"].scores["f1_micro"].sd)
    assert rows["lonely"].interval.low < rows["lonely"].interval.high


def test_a_model_is_set_against_its_base(tmp_path: Path, fill: Callable[..., None]) -> None:
    fill("field", 0.9)
    fill("mini", 0.6)
    rows = only(tmp_path)
    assert (rows["mini"].base, rows["mini"].against_base) == (None, None)
    field = rows["field"]
    assert field.base == "mini"
    assert field.against_base is not None
    difference = field.scores["f1_micro"].mean - rows["mini"].scores["f1_micro"].mean
    assert field.against_base.difference == pytest.approx(difference)
    assert field.against_base.verdict == "better"


def test_a_base_of_another_run_is_found_by_its_name(
    tmp_path: Path, fill: Callable[..., None]
) -> None:
    fill("field", 0.9, folder="a")
    fill("mini", 0.6, folder="b")
    fill("other", 0.6, folder="c", model={**model("other", base="large")})
    assert {title: row.base for title, row in only(tmp_path).items()} == {
        "field": "mini", "mini": None, "other": None,
    }  # fmt: skip


def test_a_base_that_was_tuned_otherwise_is_no_base(
    tmp_path: Path, fill: Callable[..., None]
) -> None:
    fill("field", 0.9)
    fill("mini", 0.6, settings={"epochs": 1})
    assert only(tmp_path)["field"].base is None


def test_rows_of_equal_name_are_told_apart(tmp_path: Path, fill: Callable[..., None]) -> None:
    fill("field", 0.9, folder="a")
    fill("field", 0.8, folder="b", model={**model("field"), "sha256": "abcdef0" + "1" * 57})
    fill("field", 0.6, folder="c", settings={"epochs": 9, "precision": "fp32"})
    assert sorted(only(tmp_path)) == [
        "field · abcdef0", "field · field00 · epochs 4", "field · field00 · epochs 9",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "task",
    [
        {"version": "2"},
        {"data": {"train": "a" * 64, "validation": "b" * 64, "test": "9" * 64}},
        {"labels": ["bad", "good", "plain"]},
        {"multi_label": False},
        {"kind": "tagging"},
    ],
    ids=lambda task: next(iter(task)),
)
def test_what_is_not_comparable_never_stands_in_one_table(
    tmp_path: Path, fill: Callable[..., None], task: dict[str, Any]
) -> None:
    fill("one", 0.9)
    fill("two", 0.8, folder="b", task=task)
    found = tables(tmp_path)
    assert [len(table.rows) for table in found] == [1, 1]
    assert {row.rank for table in found for row in table.rows} == {1}


def test_a_sample_is_last_and_cannot_be_unflagged_by_one_result(
    tmp_path: Path, fill: Callable[..., None]
) -> None:
    fill("one", 0.9, task={"name": "a", "sample": True})
    fill("two", 0.9, folder="b", task={"name": "a"})
    fill("one", 0.9, task={"name": "b"})
    assert [(t.task.name, t.sample, len(t.rows)) for t in tables(tmp_path)] == [
        ("b", False, 1), ("a", True, 2),
    ]  # fmt: skip


def test_a_row_adds_up(tmp_path: Path, fill: Callable[..., None]) -> None:
    fill("one", 0.9, model={**model("one"), "minutes": 60.0}, minutes=2.0)
    row = only(tmp_path)["one"]
    assert (row.minutes, row.fine_tuning_minutes, row.seeds) == (62.0, 2.0, (0, 1, 2))
    assert row.interval.low < row.scores["f1_micro"].mean < row.interval.high
    assert row.recipe == "town-mini"

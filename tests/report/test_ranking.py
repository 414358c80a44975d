from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from domainbert.report.collect import collect
from domainbert.report.ranking import Row, Table, make_tables

Write = Callable[..., Path]
Fill = Callable[..., None]
BASELINE = {"run": None, "sha256": None, "base": None, "parameters": None, "tokens": 0}


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


def test_models_that_no_interval_separates_share_a_rank(tmp_path: Path, fill: Fill) -> None:
    for folder, (name, right) in enumerate([("i", 0.9), ("ii", 0.9), ("iii", 0.7), ("iv", 0.5)]):
        fill(name, right, folder=str(folder))
    rows = only(tmp_path)
    ranks = {title: row["rank"] for title, row in rows.items()}
    assert ranks == {"i": 1, "ii": 1, "iii": 3, "iv": 4}
    means = [row["mean"] for row in rows.values()]
    assert means == sorted(means, reverse=True)


def test_one_seed_and_baselines_have_a_place_and_no_rank(tmp_path: Path, fill: Fill) -> None:
    fill("one", 0.6)
    fill("lonely", 0.95, seeds=1, folder="b")
    fill("x", 0.8, seeds=1, model={"name": "majority", **BASELINE}, settings={})
    rows = only(tmp_path)
    assert [(title, row["rank"], row["unranked"]) for title, row in rows.items()] == [
        ("lonely", None, "one seed"), ("majority", None, "baseline"), ("one", 1, None),
    ]  # fmt: skip
    assert rows["lonely"]["low"] < rows["lonely"]["mean"] < rows["lonely"]["high"]


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
    field, base = rows["field"], rows["mini"]
    against = field["against_base"]
    assert against.difference == pytest.approx(field["mean"] - base["mean"])
    assert (against.verdict, base["against_base"]) == ("better", None)
    assert (field["minutes"], field["fine_tuning_minutes"]) == (62.0, 2.0)
    assert (field["seeds"], field["recipe"]) == ((0, 1, 2), "town-mini")


def test_rows_of_equal_name_get_what_differs(tmp_path: Path, fill: Fill) -> None:
    fill("field", 0.9, folder="a")
    fill("field", 0.8, folder="b", model={**model("field"), "sha256": "abcdef0" + "1" * 57})
    fill("field", 0.6, folder="c", settings={"epochs": 9, "precision": "fp32"})
    assert sorted(only(tmp_path)) == [
        "field · abcdef0, epochs 4", "field · field00, epochs 4", "field · field00, epochs 9",
    ]  # fmt: skip


def test_a_sample_is_last_and_cannot_be_unflagged_by_one_result(tmp_path: Path, fill: Fill) -> None:
    fill("one", 0.9, task={"name": "a", "sample": True})
    fill("two", 0.9, folder="b", task={"name": "a"})
    fill("one", 0.9, task={"name": "b"})
    assert [(t["task"].name, t["task"].sample, len(t["rows"])) for t in tables(tmp_path)] == [
        ("b", False, 1), ("a", True, 2),
    ]  # fmt: skip
